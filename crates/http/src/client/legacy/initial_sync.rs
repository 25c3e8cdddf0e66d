//! `GET /_matrix/client/v3/initialSync`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3initialsync)).

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Query, State},
};
use pli_rooms::Rooms;
use pli_sync::{Sync, SyncRequest};
use ruma::{
    OwnedRoomId, UInt,
    api::client::{
        filter::FilterDefinition,
        sync::sync_events::v3::{State as RoomState, Timeline},
    },
    events::AnySyncStateEvent,
    serde::Raw,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MAX_LIMIT, USUAL_LIMIT, in_room};
use crate::{MatrixError, extract::Authenticated, layer::drain::Drain};

#[derive(Deserialize)]
pub(in crate::client) struct Parameters {
    limit: Option<usize>,
    #[serde(default)]
    archived: bool,
}

pub(in crate::client) async fn initial_sync(
    Authenticated(requester): Authenticated,
    State(sync): State<Sync>,
    State(rooms): State<Rooms>,
    State(drain): State<Drain>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Value>, MatrixError> {
    let limit = parameters.limit.unwrap_or(USUAL_LIMIT).min(MAX_LIMIT);
    let mut filter = FilterDefinition::default();
    filter.room.timeline.limit = Some(UInt::new_saturating(u64::try_from(limit).unwrap_or(20)));
    filter.room.include_leave = parameters.archived;
    let request = SyncRequest {
        user_id: requester.user_id,
        device_id: requester.device_id,
        since: None,
        filter: Arc::new(filter.into()),
        full_state: false,
        // These clients are told the state as it is now.
        use_state_after: true,
        timeout: Duration::ZERO,
    };
    let answer = sync.sync(&request, drain.begun()).await?;
    let mut told = Vec::new();
    for (room_id, joined) in answer.rooms.join {
        let mut room = room("join", &room_id, &joined.timeline, &joined.state, &answer.next_batch)?;
        let is_listed = rooms.is_in_directory(&room_id).await?;
        room["visibility"] = if is_listed { "public".into() } else { "private".into() };
        room["account_data"] = json!(joined.account_data.events);
        told.push(room);
    }
    for (room_id, left) in answer.rooms.leave {
        told.push(room("leave", &room_id, &left.timeline, &left.state, &answer.next_batch)?);
    }
    for (room_id, _) in answer.rooms.invite {
        told.push(json!({ "room_id": room_id, "membership": "invite" }));
    }
    Ok(Json(json!({
        "end": answer.next_batch,
        "presence": answer.presence.events,
        "account_data": answer.account_data.events,
        "rooms": told,
    })))
}

fn room(
    membership: &str,
    room_id: &OwnedRoomId,
    timeline: &Timeline,
    state: &RoomState,
    end: &str,
) -> Result<Value, MatrixError> {
    let chunk: Result<Vec<Value>, MatrixError> =
        timeline.events.iter().map(|event| in_room(room_id, event.json())).collect();
    let events: &[Raw<AnySyncStateEvent>] = match state {
        RoomState::Before(state) | RoomState::After(state) => &state.events,
        _ => &[],
    };
    let state: Result<Vec<Value>, MatrixError> =
        events.iter().map(|event| in_room(room_id, event.json())).collect();
    let mut messages = json!({ "chunk": chunk?, "end": end });
    if let Some(start) = &timeline.prev_batch {
        messages["start"] = start.as_str().into();
    }
    Ok(json!({
        "room_id": room_id,
        "membership": membership,
        "messages": messages,
        "state": state?,
    }))
}
