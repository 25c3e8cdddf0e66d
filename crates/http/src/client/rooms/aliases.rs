//! `GET /_matrix/client/v3/rooms/{roomId}/aliases`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidaliases)).

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::room::aliases::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn aliases(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let aliases = rooms.aliases(&requester.user_id, &request.room_id).await?;
    Ok(Answer(Response::new(aliases)))
}
