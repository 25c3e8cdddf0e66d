//! `GET /_matrix/client/v1/rooms/{roomId}/hierarchy`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy)).

use axum::{Json, extract::State};
use pli_rooms::{HierarchyRequest, HierarchyRoom, Rooms, SpaceChild};
use pli_store::Store;
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedRoomId, OwnedUserId,
    api::client::space::get_hierarchy::v1::Request,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::preview_body::PreviewBody;
use crate::{MatrixError, extract::Ruma};

/// How many rooms a page has if the client doesn't say, and at most.
const MAX_LIMIT: usize = 50;

#[derive(Serialize)]
pub(in crate::client) struct Hierarchy {
    rooms: Vec<RoomBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
}

#[derive(Serialize)]
struct RoomBody {
    #[serde(flatten)]
    preview: PreviewBody,
    children_state: Vec<ChildBody>,
}

#[derive(Serialize)]
struct ChildBody {
    r#type: &'static str,
    state_key: OwnedRoomId,
    sender: OwnedUserId,
    origin_server_ts: MilliSecondsSinceUnixEpoch,
    content: Box<RawValue>,
}

pub(in crate::client) async fn hierarchy(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<Hierarchy>, MatrixError> {
    // A token is the number of rooms before the page.
    let skip: usize = match request.from.as_deref() {
        Some(from) => from
            .strip_prefix('h')
            .and_then(|skip| skip.parse().ok())
            .ok_or_else(|| MatrixError::invalid_param("from: not a token of this server's"))?,
        None => 0,
    };
    let limit = match request.limit.map(u64::from) {
        Some(0) => return Err(MatrixError::invalid_param("limit: ask for one room at least")),
        Some(limit) => usize::try_from(limit).unwrap_or(MAX_LIMIT).min(MAX_LIMIT),
        None => MAX_LIMIT,
    };
    let wanted = HierarchyRequest {
        suggested_only: request.suggested_only,
        max_depth: request.max_depth.map(u64::from),
        skip,
        limit,
    };
    let snapshot = store.snapshot().await?;
    let page = rooms.hierarchy(&snapshot, &requester.user_id, &request.room_id, wanted).await?;
    let next_batch = page.has_more.then(|| format!("h{}", skip + page.rooms.len()));
    Ok(Json(Hierarchy { rooms: page.rooms.into_iter().map(room).collect(), next_batch }))
}

fn room(room: HierarchyRoom) -> RoomBody {
    let children_state = room.children.into_iter().map(child).collect();
    RoomBody { preview: room.preview.into(), children_state }
}

fn child(child: SpaceChild) -> ChildBody {
    let SpaceChild { room_id, sender, origin_server_ts, content, .. } = child;
    ChildBody { r#type: "m.space.child", state_key: room_id, sender, origin_server_ts, content }
}
