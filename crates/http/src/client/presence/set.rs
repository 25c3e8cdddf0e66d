//! `PUT /_matrix/client/v3/presence/{userId}/status`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3presenceuseridstatus)).

use axum::extract::State;
use pli_sync::Presence;
use ruma::{
    api::client::presence::set_presence::v3::{Request, Response},
    presence::PresenceState,
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

/// The greatest length of a status message, in bytes.
const MAX_STATUS: usize = 2_048;

pub(super) async fn set(
    State(presence): State<Presence>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    if request.user_id != requester.user_id {
        return Err(MatrixError::forbidden("only your own presence is yours to set"));
    }
    let known = [PresenceState::Online, PresenceState::Unavailable, PresenceState::Offline];
    if !known.contains(&request.presence) {
        return Err(MatrixError::invalid_param("presence: not online, unavailable or offline"));
    }
    if request.status_msg.as_ref().is_some_and(|status| status.len() > MAX_STATUS) {
        return Err(MatrixError::invalid_param("status_msg: at most 2,048 bytes"));
    }
    presence.set(&requester, request.presence, request.status_msg).await?;
    Ok(Answer(Response::new()))
}
