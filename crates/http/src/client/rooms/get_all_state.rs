//! `GET /_matrix/client/v3/rooms/{roomId}/state`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate)).

use axum::extract::State;
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::api::client::state::get_state_events::v3::{Request, Response};

use super::reader;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get_all_state(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let snapshot = store.snapshot().await?;
    let events = rooms.state_for(&snapshot, &requester.user_id, &request.room_id).await?;
    let events = rooms.client_events(&snapshot, reader(&requester), &events).await?;
    Ok(Answer(Response::new(events)))
}
