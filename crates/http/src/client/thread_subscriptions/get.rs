//! `GET /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{rootId}/subscription`.

use axum::extract::State;
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::api::client::threads::get_thread_subscription::unstable::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn get(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let Request { room_id, thread_root, .. } = request;
    let snapshot = store.snapshot().await?;
    let automatic = rooms
        .thread_subscription(&snapshot, &requester.user_id, &room_id, &thread_root)
        .await?
        .ok_or_else(|| MatrixError::not_found("you don't follow this thread"))?;
    Ok(Answer(Response::new(automatic)))
}
