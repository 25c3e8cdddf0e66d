//! `DELETE /_matrix/client/v3/profile/{userId}/{keyName}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3profileuseridkeyname)).

use axum::extract::State;
use pli_accounts::Profiles;
use pli_rooms::Rooms;
use ruma::api::client::profile::delete_profile_field::v3::{Request, Response};

use super::{check_owner, set};
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete_field(
    State(profiles): State<Profiles>,
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    check_owner(&requester, &request.user_id)?;
    requester.check_may_speak()?;
    set(&profiles, &rooms, &request.user_id, request.field.as_str(), None).await?;
    Ok(Answer(Response::new()))
}
