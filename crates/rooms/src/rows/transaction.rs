use pli_store::Record;
use ruma::{MilliSecondsSinceUnixEpoch, OwnedEventId};
use serde::{Deserialize, Serialize};

/// What a client's transaction made: the answer to its repetition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRow {
    /// The event.
    pub event_id: OwnedEventId,
    /// When it was made: the row is dropped some days later.
    pub ts: MilliSecondsSinceUnixEpoch,
}

impl Record for TransactionRow {}

/// Which event redacted the one that is the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionRow {
    /// The redaction.
    pub redacted_by: OwnedEventId,
}

impl Record for RedactionRow {}
