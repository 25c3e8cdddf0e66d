//! `POST /_matrix/client/v3/rooms/{roomId}/leave`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidleave)).

use axum::extract::State;
use pli_rooms::{MembershipChange, Rooms};
use ruma::api::client::membership::leave_room::v3::{Request, Response};

use crate::{
    extract::{Answer, Reply, Ruma},
    server_notices::ServerNotices,
};

pub(in crate::client) async fn leave(
    State(rooms): State<Rooms>,
    State(notices): State<ServerNotices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    notices.check_may_leave(&requester.user_id, &request.room_id).await?;
    let change = MembershipChange::new(requester.user_id, request.room_id).because(request.reason);
    rooms.leave(change).await?;
    Ok(Answer(Response::new()))
}
