//! `GET /_matrix/client/v3/profile/{userId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuserid)).

use axum::extract::State;
use pli_accounts::Profiles;
use pli_appservice::AppServices;
use ruma::api::client::profile::get_profile::v3::{Request, Response};

use super::known_profile;
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn get(
    State(profiles): State<Profiles>,
    State(app_services): State<AppServices>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let profile = known_profile(&profiles, &app_services, &request.user_id).await?;
    let profile = profile.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    Ok(Answer(profile.fields.into_iter().collect()))
}
