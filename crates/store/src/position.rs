use std::fmt;

use serde::{Deserialize, Serialize};

/// The place of a committed batch in the store's one total order.
///
/// The first batch has position 1; an empty store is at [`Position::ZERO`]. Positions have no gaps.
/// A row's *version* is the position of the batch that wrote it last. Sync tokens are positions.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// The position of an empty store, before every batch.
    pub const ZERO: Self = Self(0);

    /// The position that follows this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The last part of the key of an appended row: where the row's batch stands in the total order,
/// and the row's index among the rows that this batch appended.
///
/// [`Batch::append`](crate::Batch::append) fills it in at commit, so that streams ordered by
/// position need neither a counter nor a precondition. `order` is signed: live rows have their
/// batch's position; a row written later about something older (backfilled history) is put with a
/// negative order and sorts before all of them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Stamp {
    /// The batch's position; negative for backfilled rows.
    pub order: i64,
    /// The row's index among those that its batch appended, from 0.
    pub index: u16,
}

impl Stamp {
    /// The smallest stamp.
    pub const MIN: Self = Self { order: i64::MIN, index: 0 };
    /// The greatest stamp.
    pub const MAX: Self = Self { order: i64::MAX, index: u16::MAX };

    /// The first stamp that a batch at `position` can give.
    #[must_use]
    pub fn first_at(position: Position) -> Self {
        Self { order: i64::try_from(position.0).unwrap_or(i64::MAX), index: 0 }
    }

    /// The last stamp that a batch at `position` can give.
    #[must_use]
    pub fn last_at(position: Position) -> Self {
        Self { index: u16::MAX, ..Self::first_at(position) }
    }

    /// The position of the batch that appended the row, or [`Position::ZERO`] for a backfilled row.
    #[must_use]
    pub fn position(self) -> Position {
        Position(u64::try_from(self.order).unwrap_or(0))
    }
}
