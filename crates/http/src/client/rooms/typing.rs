//! `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid)).

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::typing::create_typing_event::v3::{Request, Response, Typing};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn typing(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    if request.user_id != requester.user_id {
        return Err(MatrixError::forbidden("you can't type for somebody else"));
    }
    let timeout = match request.state {
        Typing::Yes(info) => Some(info.timeout),
        Typing::No => None,
    };
    rooms.set_typing(&requester.user_id, &request.room_id, timeout).await?;
    Ok(Answer(Response::new()))
}
