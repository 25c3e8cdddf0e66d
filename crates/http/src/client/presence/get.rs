//! `GET /_matrix/client/v3/presence/{userId}/status`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3presenceuseridstatus)).

use axum::extract::State;
use pli_sync::Presence;
use ruma::api::client::presence::get_presence::v3::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(super) async fn get(
    State(presence): State<Presence>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let found = presence.get(&requester.user_id, &request.user_id).await?;
    let found = found.ok_or_else(|| {
        MatrixError::forbidden("you may see the presence of people you share a room with")
    })?;
    let mut response = Response::new(found.state);
    response.status_msg = found.status_msg;
    response.currently_active = found.currently_active;
    response.last_active_ago = found.last_active_ago;
    Ok(Answer(response))
}
