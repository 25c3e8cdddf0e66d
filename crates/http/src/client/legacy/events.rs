//! `GET /_matrix/client/v3/events`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3events)).

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Query, State},
};
use pli_sync::{Sync, SyncError, SyncRequest, SyncToken};
use serde::Deserialize;
use serde_json::{Value, json};

use super::in_room;
use crate::{MatrixError, extract::Authenticated, layer::drain::Drain};

/// The longest that a request waits.
const MAX_TIMEOUT: Duration = Duration::from_secs(90);
/// How long it waits where the client doesn't say.
const USUAL_TIMEOUT_MS: u64 = 30_000;

#[derive(Deserialize)]
pub(in crate::client) struct Parameters {
    from: Option<String>,
    timeout: Option<u64>,
}

pub(in crate::client) async fn events(
    Authenticated(requester): Authenticated,
    State(sync): State<Sync>,
    State(drain): State<Drain>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Value>, MatrixError> {
    let timeout = Duration::from_millis(parameters.timeout.unwrap_or(USUAL_TIMEOUT_MS));
    let mut request = SyncRequest {
        user_id: requester.user_id,
        device_id: requester.device_id,
        since: None,
        filter: Arc::default(),
        full_state: false,
        use_state_after: false,
        timeout: timeout.min(MAX_TIMEOUT),
    };
    let start = match parameters.from {
        Some(from) => from,
        // Whoever names no moment listens from now on.
        None => sync.sync(&request, drain.begun()).await?.next_batch,
    };
    let since: SyncToken = start.parse().map_err(SyncError::from)?;
    request.since = Some(since);
    let answer = sync.sync(&request, drain.begun()).await?;
    let mut chunk = Vec::new();
    for (room_id, room) in &answer.rooms.join {
        for event in &room.timeline.events {
            chunk.push(in_room(room_id, event.json())?);
        }
    }
    for (room_id, room) in &answer.rooms.leave {
        for event in &room.timeline.events {
            chunk.push(in_room(room_id, event.json())?);
        }
    }
    Ok(Json(json!({ "start": start, "end": answer.next_batch, "chunk": chunk })))
}
