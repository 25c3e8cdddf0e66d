//! `GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid)).

use axum::extract::State;
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::api::client::room::get_room_event::v3::{Request, Response};

use super::reader;
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn event(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let snapshot = store.snapshot().await?;
    let event =
        rooms.event_for(&snapshot, &requester.user_id, &request.room_id, &request.event_id).await?;
    let mut formatted = rooms.client_events(&snapshot, reader(&requester), &[event]).await?;
    let event = formatted.pop().ok_or_else(|| MatrixError::internal("an event was lost"))?;
    Ok(Answer(Response::new(event)))
}
