use pli_store::{Record, Stamp};
use ruma::{MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::WrittenAt;

/// An event that refers to another one by `m.relates_to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelationRow {
    /// The event that refers.
    pub event_id: OwnedEventId,
    /// How: `m.thread`, `m.replace`, `m.annotation`, `m.reference` or anything else.
    pub rel_type: String,
    /// The event's type.
    pub event_type: String,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// The event's index among the rows that its batch appended.
    pub index: u16,
}

impl Record for RelationRow {}

impl RelationRow {
    /// The place of the event that refers on the room's timeline, given the stamp in this row's key.
    #[must_use]
    pub fn event_stamp(&self, row: Stamp) -> Stamp {
        Stamp { index: self.index, ..row }
    }
}

/// The edit that stands for an event now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReplacementRow {
    /// When the edit was sent. The latest one counts …
    pub origin_server_ts: MilliSecondsSinceUnixEpoch,
    /// … and of several at the same time the one with the greatest id.
    pub event_id: OwnedEventId,
}

impl Record for ReplacementRow {}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRow {
    /// How many replies it has.
    pub count: u64,
    /// The reply that came last.
    pub latest_event_id: OwnedEventId,
    /// Its place among the room's threads.
    pub order: WrittenAt,
}

impl Record for ThreadRow {}

/// A thread's place among the threads of its room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadOrderRow {
    /// The event that the thread grew from.
    pub root: OwnedEventId,
}

impl Record for ThreadOrderRow {}

/// What is to be found of an event's relations beside it. Kept with the event, so that nothing is
/// looked for in vain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Somebody edited it once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
    /// A thread grew from it once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub threaded: bool,
    /// Somebody referred to it once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub referenced: bool,
}

impl Related {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What is known here or there.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            replaced: self.replaced || other.replaced,
            threaded: self.threaded || other.threaded,
            referenced: self.referenced || other.referenced,
        }
    }
}
