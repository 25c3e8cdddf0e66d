//! The room log's rows.

mod alias;
mod event;
mod head;
mod member;
mod profile_job;
mod receipt;
mod relation;
mod sticky;
mod summary;
mod transaction;
mod user_room;

use pli_store::{Position, Stamp};
use serde::{Deserialize, Serialize};

pub use self::{
    alias::AliasRow,
    event::{EventPlace, SenderTransaction, StoredEvent},
    head::{Extremity, RoomHead},
    member::{MemberRow, MembershipKind},
    profile_job::ProfileJob,
    receipt::{ReceiptKind, ReceiptRow, StreamedReceipt, THREAD_UNTHREADED},
    relation::{Related, RelationRow, ReplacementRow, ThreadOrderRow, ThreadRow},
    sticky::StickyRow,
    summary::{RoomPolicy, RoomSummary},
    transaction::{RedactionRow, TransactionRow},
    user_room::{UserRoom, UserRoomRow},
};

/// When something was written, as a row can say it before its batch has a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WrittenAt {
    /// In the batch that wrote this row, with this index among its appended rows: the row's version
    /// tells the position.
    ThisVersion(u16),
    /// At this stamp: the row was rewritten since.
    Earlier(Stamp),
}

impl WrittenAt {
    /// The stamp, given the version of the row that says it.
    #[must_use]
    pub fn resolve(self, version: Position) -> Stamp {
        match self {
            Self::ThisVersion(index) => Stamp { index, ..Stamp::first_at(version) },
            Self::Earlier(stamp) => stamp,
        }
    }

    /// The same moment, for a row that is about to be rewritten.
    #[must_use]
    pub fn settled(self, version: Position) -> Self {
        Self::Earlier(self.resolve(version))
    }
}
