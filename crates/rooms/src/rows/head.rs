use pli_store::{Position, Record, Stamp};
use ruma::{OwnedEventId, RoomVersionId};
use serde::{Deserialize, Serialize};

use super::WrittenAt;
use crate::state::StateRoot;

/// An event that no other event of the room follows yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extremity {
    /// The event.
    pub event_id: OwnedEventId,
    /// The room's state after it, along its own branch.
    pub state_after: StateRoot,
    /// Its depth.
    pub depth: u64,
}

/// Where a room stands. Whoever appends requires that this row is as they read it: it is the only
/// lock that a room has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomHead {
    /// The room's version.
    pub room_version: RoomVersionId,
    /// The room's create event.
    pub create_event_id: OwnedEventId,
    /// The events that the next one will follow; more than one while branches are unmerged.
    pub extremities: Vec<Extremity>,
    /// The room's state, resolved over all extremities.
    pub state: StateRoot,
    /// The last event on the timeline that counts as activity, see [`RoomHead::bump_stamp`].
    pub bumped: WrittenAt,
    /// The smallest negative order that backfilled events have taken; 0 without any.
    #[serde(default)]
    pub oldest_order: i64,
    /// Up to which event the rows are written that follow their events in groups (by time, by client
    /// transaction). `None` in rooms that were written before these rows trailed: all are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Stamp>,
}

impl Record for RoomHead {}

impl RoomHead {
    /// The stamp of the last event for which a room moves up in people's lists (messages, not other
    /// people's joins), given this row's version.
    #[must_use]
    pub fn bump_stamp(&self, version: Position) -> Stamp {
        self.bumped.resolve(version)
    }
}
