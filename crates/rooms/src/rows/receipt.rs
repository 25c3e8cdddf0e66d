use pli_store::{AsKey, CodecError, Key, Record};
use ruma::{MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedUserId, events::receipt::ReceiptType};
use serde::{Deserialize, Serialize};

/// The thread part of a receipt's key when the receipt has no `thread_id`.
pub const THREAD_UNTHREADED: &str = "";

/// The kinds of receipts, as a part of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReceiptKind {
    /// `m.read`: everybody in the room sees it.
    Read,
    /// `m.read.private`: only the reader's devices see it.
    ReadPrivate,
}

impl ReceiptKind {
    /// The protocol's name.
    #[must_use]
    pub fn to_type(self) -> ReceiptType {
        match self {
            Self::Read => ReceiptType::Read,
            Self::ReadPrivate => ReceiptType::ReadPrivate,
        }
    }
}

impl AsKey<Self> for ReceiptKind {
    fn encode_to(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Read => 0,
            Self::ReadPrivate => 1,
        });
    }
}

impl Key for ReceiptKind {
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
        match u8::decode(input)? {
            0 => Ok(Self::Read),
            1 => Ok(Self::ReadPrivate),
            other => Err(CodecError::Key(format!("unknown receipt kind {other}"))),
        }
    }
}

/// How far somebody has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// The last event that was read.
    pub event_id: OwnedEventId,
    /// That event's place on the timeline: receipts only move forward.
    pub stamp: pli_store::Stamp,
    /// When the client said so.
    pub ts: MilliSecondsSinceUnixEpoch,
    /// The row's index in the room's stream of receipts, with this row's version: where the former
    /// stream row is to be found, and deleted, when the receipt moves.
    pub stream_index: u16,
}

impl Record for ReceiptRow {}

/// A row of a room's stream of receipts: one for each (kind, thread, user), the latest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamedReceipt {
    /// Who read.
    pub user_id: OwnedUserId,
    /// Who else may know.
    pub kind: ReceiptKind,
    /// `main`, the thread's root, or [`THREAD_UNTHREADED`].
    pub thread: String,
    /// The last event that was read.
    pub event_id: OwnedEventId,
    /// When the client said so.
    pub ts: MilliSecondsSinceUnixEpoch,
}

impl Record for StreamedReceipt {}
