use pli_store::Record;
use ruma::OwnedEventId;
use serde::{Deserialize, Serialize};

/// An event that sticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StickyRow {
    /// The event.
    pub event_id: OwnedEventId,
    /// Until when, in milliseconds since the Unix epoch.
    pub until_ms: u64,
}

impl Record for StickyRow {}
