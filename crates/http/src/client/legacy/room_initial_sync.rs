//! `GET /_matrix/client/v3/rooms/{roomId}/initialSync`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync)).

use axum::{
    Json,
    extract::{Path, Query, State},
};
use pli_rooms::{HistoryRequest, MembershipKind, Reader, RelationFilter, Rooms};
use pli_store::{Direction, Store};
use ruma::{
    OwnedRoomId, api::client::filter::RoomEventFilter, events::AnyTimelineEvent, serde::Raw,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MAX_LIMIT, USUAL_LIMIT};
use crate::{MatrixError, extract::Authenticated};

#[derive(Deserialize)]
pub(in crate::client) struct Parameters {
    limit: Option<usize>,
}

pub(in crate::client) async fn room_initial_sync(
    Authenticated(requester): Authenticated,
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Path(room_id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Value>, MatrixError> {
    let room_id = OwnedRoomId::try_from(room_id)
        .map_err(|_| MatrixError::invalid_param("this is not a room's id"))?;
    let user_id = &requester.user_id;
    let limit = parameters.limit.unwrap_or(USUAL_LIMIT).min(MAX_LIMIT);
    let is_listed = rooms.is_in_directory(&room_id).await?;

    let snapshot = store.snapshot().await?;
    let (filter, relations) = (RoomEventFilter::default(), RelationFilter::default());
    let history = HistoryRequest {
        from: None,
        to: None,
        direction: Direction::Backward,
        limit,
        filter: &filter,
        relations: &relations,
    };
    let page = rooms.history(&snapshot, user_id, &room_id, history).await?;
    let state = rooms.state_for(&snapshot, user_id, &room_id).await?;
    let reader = Reader { user_id, device_id: Some(&requester.device_id) };
    let mut chunk: Vec<Raw<AnyTimelineEvent>> =
        rooms.client_events(&snapshot, reader, &page.events).await?;
    // These clients want the oldest first, from `start` to `end`.
    chunk.reverse();
    let state: Vec<Raw<AnyTimelineEvent>> = rooms.client_events(&snapshot, reader, &state).await?;
    let membership = rooms.user_room(&snapshot, user_id, &room_id).await?;
    let membership = match membership.map(|user_room| user_room.membership) {
        Some(MembershipKind::Join) => "join",
        Some(MembershipKind::Invite) => "invite",
        Some(MembershipKind::Ban) => "ban",
        _ => "leave",
    };
    let start = page.end.unwrap_or(page.start);
    Ok(Json(json!({
        "room_id": room_id,
        "membership": membership,
        "messages": {
            "start": start.to_string(),
            "end": page.start.to_string(),
            "chunk": chunk,
        },
        "state": state,
        "visibility": if is_listed { "public" } else { "private" },
    })))
}
