//! `POST /_matrix/client/v3/rooms/{roomId}/kick`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidkick)).

use axum::extract::State;
use pli_rooms::{MembershipChange, Rooms};
use ruma::api::client::membership::kick_user::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn kick(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    let change = MembershipChange::new(requester.user_id, request.room_id).because(request.reason);
    rooms.kick(change, request.user_id).await?;
    Ok(Answer(Response::new()))
}
