//! `POST /_matrix/client/v3/rooms/{roomId}/forget`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget)).

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::membership::forget_room::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn forget(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    rooms.forget(&requester.user_id, &request.room_id).await?;
    Ok(Answer(Response::new()))
}
