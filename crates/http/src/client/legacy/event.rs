//! `GET /_matrix/client/v3/events/{eventId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3eventseventid)).

use axum::{
    Json,
    extract::{Path, State},
};
use pli_rooms::{Reader, Rooms};
use pli_store::Store;
use ruma::{OwnedEventId, events::AnyTimelineEvent, serde::Raw};

use crate::{MatrixError, extract::Authenticated};

pub(in crate::client) async fn event(
    Authenticated(requester): Authenticated,
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Path(event_id): Path<String>,
) -> Result<Json<Raw<AnyTimelineEvent>>, MatrixError> {
    let event_id = OwnedEventId::try_from(event_id)
        .map_err(|_| MatrixError::invalid_param("this is not an event's id"))?;
    let unknown = || MatrixError::not_found("there is no such event, or it is not yours to see");
    let snapshot = store.snapshot().await?;
    let event = rooms.event(&snapshot, &event_id).await?.ok_or_else(unknown)?;
    let room_id = event.pdu.room_id().to_owned();
    let event = rooms.event_for(&snapshot, &requester.user_id, &room_id, &event_id).await?;
    let reader = Reader { user_id: &requester.user_id, device_id: Some(&requester.device_id) };
    let mut formatted = rooms.client_events(&snapshot, reader, &[event]).await?;
    formatted.pop().map(Json).ok_or_else(unknown)
}
