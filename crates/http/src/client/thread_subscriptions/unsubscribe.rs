//! `DELETE /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{rootId}/subscription`.

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::threads::unsubscribe_thread::unstable::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn unsubscribe(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let Request { room_id, thread_root, .. } = request;
    rooms.unsubscribe_from_thread(&requester.user_id, &room_id, &thread_root).await?;
    Ok(Answer(Response::new()))
}
