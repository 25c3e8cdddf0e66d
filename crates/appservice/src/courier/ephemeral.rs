//! Typing notices, receipts and presence
//! ([specification](https://spec.matrix.org/v1.19/application-service-api/#pushing-ephemeral-data)).

use std::collections::{BTreeSet, HashMap, HashSet};

use pli_rooms::{Rooms, THREAD_UNTHREADED};
use pli_store::{Position, Snapshot};
use ruma::{OwnedRoomId, OwnedUserId, RoomId};
use serde_json::{Map, Value, json};

use super::{draft::Draft, inbox::PresenceNote, interest::Interest};
use crate::{AppServiceError, Registration};

/// How many receipts of a room one transaction tells at most.
const MANY_RECEIPTS: usize = 1_000;

pub(crate) async fn add_typing(
    draft: &mut Draft,
    snapshot: &Snapshot,
    rooms: &Rooms,
    service: &Registration,
    interest: &Interest,
    changed: HashSet<OwnedRoomId>,
) -> Result<(), AppServiceError> {
    for room_id in changed {
        if interest.wants_room(snapshot, rooms, service, &room_id).await? {
            let user_ids = rooms.typing().now(&room_id).user_ids;
            draft.ephemeral.push(json!({
                "type": "m.typing",
                "room_id": room_id,
                "content": { "user_ids": user_ids },
            }));
        }
    }
    Ok(())
}

pub(crate) async fn add_presence(
    draft: &mut Draft,
    snapshot: &Snapshot,
    rooms: &Rooms,
    service: &Registration,
    interest: &Interest,
    changed: HashMap<OwnedUserId, PresenceNote>,
) -> Result<(), AppServiceError> {
    for PresenceNote { event, rooms: joined } in changed.into_values() {
        for room_id in &joined {
            if interest.is_inhabited(snapshot, rooms, service, room_id).await? {
                draft.ephemeral.extend(serde_json::to_value(&event).ok());
                break;
            }
        }
    }
    Ok(())
}

/// The receipts of these rooms that moved after one position and up to another.
pub(crate) async fn add_receipts(
    draft: &mut Draft,
    snapshot: &Snapshot,
    rooms: &Rooms,
    service: &Registration,
    interest: &Interest,
    changed: &BTreeSet<OwnedRoomId>,
    (after, up_to): (Position, Position),
) -> Result<(), AppServiceError> {
    for room_id in changed {
        if !interest.wants_room(snapshot, rooms, service, room_id).await? {
            continue;
        }
        let content = receipts(snapshot, rooms, room_id, after, up_to).await?;
        if !content.is_empty() {
            draft.ephemeral.push(json!({
                "type": "m.receipt",
                "room_id": room_id,
                "content": content,
            }));
        }
    }
    Ok(())
}

async fn receipts(
    snapshot: &Snapshot,
    rooms: &Rooms,
    room_id: &RoomId,
    after: Position,
    up_to: Position,
) -> Result<Map<String, Value>, AppServiceError> {
    let moved =
        rooms.public_receipts_between(snapshot, room_id, after, up_to, MANY_RECEIPTS).await?;
    let mut content: Map<String, Value> = Map::new();
    for receipt in moved {
        let of_event = content.entry(receipt.event_id.as_str()).or_insert_with(|| json!({}));
        let of_kind = &mut of_event["m.read"];
        let is_unthreaded = receipt.thread == THREAD_UNTHREADED;
        // One event has one place for each reader: the receipt that says most, without a thread.
        if !is_unthreaded && of_kind.get(receipt.user_id.as_str()).is_some() {
            continue;
        }
        of_kind[receipt.user_id.as_str()] = if is_unthreaded {
            json!({ "ts": receipt.ts })
        } else {
            json!({ "ts": receipt.ts, "thread_id": receipt.thread })
        };
    }
    Ok(content)
}
