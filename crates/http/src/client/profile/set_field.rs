//! `PUT /_matrix/client/v3/profile/{userId}/{keyName}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname)).

use axum::extract::State;
use pli_accounts::Profiles;
use pli_rooms::Rooms;
use ruma::api::client::profile::set_profile_field::v3::{Request, Response};

use super::{check_owner, set};
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn set_field(
    State(profiles): State<Profiles>,
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    check_owner(&requester, &request.user_id)?;
    requester.check_may_speak()?;
    let field = request.value.field_name();
    let value = request.value.value().into_owned();
    set(&profiles, &rooms, &request.user_id, field.as_str(), Some(value)).await?;
    Ok(Answer(Response::new()))
}
