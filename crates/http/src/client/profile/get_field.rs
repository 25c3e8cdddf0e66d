//! `GET /_matrix/client/v3/profile/{userId}/{keyName}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuseridkeyname)).

use axum::extract::State;
use pli_accounts::Profiles;
use pli_appservice::AppServices;
use ruma::{
    api::client::profile::get_profile_field::v3::{Request, Response},
    profile::ProfileFieldValue,
};

use super::known_profile;
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn get_field(
    State(profiles): State<Profiles>,
    State(app_services): State<AppServices>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let profile = known_profile(&profiles, &app_services, &request.user_id).await?;
    let mut profile = profile.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    let field = request.field.as_str();
    let value = profile
        .fields
        .remove(field)
        .ok_or_else(|| MatrixError::not_found("this profile has no such field"))?;
    Ok(Answer(Response::new(ProfileFieldValue::new(field, value)?)))
}
