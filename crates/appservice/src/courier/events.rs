//! The events of a transaction.

use std::sync::Arc;

use pli_rooms::{Reader, RoomEvent, Rooms, TimelineRange};
use pli_store::{Direction, Position, Snapshot};
use ruma::{
    RoomId, UserId,
    events::{AnyTimelineEvent, TimelineEventType, room::member::MembershipState},
    serde::Raw,
};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use super::{
    draft::Draft,
    interest::{Interest, membership},
};
use crate::{AppServiceError, Registration};

/// How many events one batch of the log has at most, by far.
const MOST_IN_BATCH: usize = 4_096;

/// The events that the batch at a position appended to a room, oldest first, if clients may see them.
pub(crate) async fn appended_at(
    snapshot: &Snapshot,
    rooms: &Rooms,
    room_id: &RoomId,
    position: Position,
) -> Result<Vec<Arc<RoomEvent>>, AppServiceError> {
    let before = Position(position.0.saturating_sub(1));
    let range = TimelineRange::between(before, position);
    let mut events =
        rooms.timeline(snapshot, room_id, range, MOST_IN_BATCH, Direction::Forward).await?;
    events.retain(|event| !event.is_hidden());
    Ok(events)
}

/// Adds what a service wants of some events of one room to a transaction. Returns what it wants.
pub(crate) async fn add(
    draft: &mut Draft,
    snapshot: &Snapshot,
    rooms: &Rooms,
    service: &Registration,
    interest: &Interest,
    events: Vec<Arc<RoomEvent>>,
) -> Result<Vec<Arc<RoomEvent>>, AppServiceError> {
    let mut wanted = Vec::with_capacity(events.len());
    for event in events {
        if interest.wants(snapshot, rooms, service, &event).await? {
            wanted.push(event);
        }
    }
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let reader = Reader { user_id: &service.sender, device_id: None };
    let formatted: Vec<Raw<AnyTimelineEvent>> =
        rooms.client_events(snapshot, reader, &wanted).await?;
    for (event, formatted) in wanted.iter().zip(formatted) {
        let json = formatted.into_json();
        let with_room = add_stripped_state(snapshot, rooms, service, event, &json).await?;
        draft.add_event(with_room.unwrap_or(json));
    }
    Ok(wanted)
}

/// An invitation of (or a knock by) a user of the service says what room it is about, as it does in
/// `/sync`.
async fn add_stripped_state(
    snapshot: &Snapshot,
    rooms: &Rooms,
    service: &Registration,
    event: &RoomEvent,
    json: &RawValue,
) -> Result<Option<Box<RawValue>>, AppServiceError> {
    if *event.pdu.event_type() != TimelineEventType::RoomMember {
        return Ok(None);
    }
    let key = match membership(event) {
        MembershipState::Invite => "invite_room_state",
        MembershipState::Knock => "knock_room_state",
        _ => return Ok(None),
    };
    let target = event.pdu.state_key().and_then(|target| <&UserId>::try_from(target).ok());
    let Some(target) = target.filter(|target| service.acts_for(target)) else { return Ok(None) };
    let user_room = rooms.user_room(snapshot, target, event.pdu.room_id()).await?;
    let stripped = user_room
        .filter(|user_room| user_room.event_id == event.event_id())
        .and_then(|user_room| user_room.stripped_state)
        .and_then(|stripped| serde_json::from_str::<Value>(&stripped).ok());
    let Some(stripped) = stripped else { return Ok(None) };
    let Ok(mut whole) = serde_json::from_str::<Value>(json.get()) else { return Ok(None) };
    whole["unsigned"][key] = stripped;
    Ok(to_raw_value(&whole).ok())
}
