//! `PUT /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{rootId}/subscription`.

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::threads::subscribe_thread::unstable::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn subscribe(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let Request { room_id, thread_root, automatic, .. } = request;
    let cause = automatic.as_deref();
    rooms.subscribe_to_thread(&requester.user_id, &room_id, &thread_root, cause).await?;
    Ok(Answer(Response::new()))
}
