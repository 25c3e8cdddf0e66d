use pli_store::{Position, Record, Stamp};
use ruma::{OwnedDeviceId, OwnedEventId, OwnedRoomId, OwnedTransactionId};
use serde::{Deserialize, Serialize};

use super::Related;
use crate::state::StateRoot;

/// An event as the timeline or the outliers hold it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredEvent {
    /// The event's id.
    pub event_id: OwnedEventId,
    /// The event as servers exchange it, in canonical JSON; pruned once it is redacted.
    pub json: String,
    /// The room's state before the event, according to its `prev_events`.
    pub state_before: StateRoot,
    /// What this server took for the room's state once it had appended the event.
    pub room_state: StateRoot,
    /// The event didn't pass the authorisation rules: clients never see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rejected: bool,
    /// The event was allowed where it was sent but not any more when it arrived: clients don't see
    /// it, and events don't refer to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub soft_failed: bool,
    /// The event that redacted this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted_by: Option<OwnedEventId>,
    /// The device that sent it and the transaction id it used, for events of this server's clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<SenderTransaction>,
    /// What refers to it.
    #[serde(default, skip_serializing_if = "Related::is_nothing")]
    pub related: Related,
}

impl Record for StoredEvent {}

/// Which device sent an event, and how it called it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderTransaction {
    /// The sender's device.
    pub device_id: OwnedDeviceId,
    /// The device's transaction id.
    pub transaction_id: OwnedTransactionId,
}

/// Where an event is to be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventPlace {
    /// On the timeline, appended in the batch that wrote this row.
    Live {
        /// The event's room.
        room_id: OwnedRoomId,
        /// Its index among the rows that its batch appended.
        index: u16,
    },
    /// On the timeline, before everything that this server was there for.
    Backfilled {
        /// The event's room.
        room_id: OwnedRoomId,
        /// Its place on the timeline; the order is negative.
        stamp: Stamp,
    },
    /// Not on the timeline: known because another event refers to it.
    Outlier {
        /// The event's room.
        room_id: OwnedRoomId,
    },
}

impl Record for EventPlace {}

impl EventPlace {
    /// The event's room.
    #[must_use]
    pub fn room_id(&self) -> &OwnedRoomId {
        match self {
            Self::Live { room_id, .. }
            | Self::Backfilled { room_id, .. }
            | Self::Outlier { room_id } => room_id,
        }
    }

    /// The event's place on its room's timeline, given this row's version.
    #[must_use]
    pub fn stamp(&self, version: Position) -> Option<Stamp> {
        match self {
            Self::Live { index, .. } => Some(Stamp { index: *index, ..Stamp::first_at(version) }),
            Self::Backfilled { stamp, .. } => Some(*stamp),
            Self::Outlier { .. } => None,
        }
    }
}
