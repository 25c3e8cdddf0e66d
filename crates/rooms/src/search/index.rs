//! Writing down the words of rooms.

use pli_store::{Batch, CommitError, Direction, Expect, Keyspace, Position, Record, Stamp};
use ruma::{OwnedRoomId, RoomId};
use serde::{Deserialize, Serialize};

use super::words::{Searchable, words};
use crate::{
    Rooms, error::RoomError, pagination::PaginationToken, read::TimelineRange, rows::RoomHead,
};

/// Where each word is: room, word, the event's place on the timeline.
pub(crate) const SEARCH_WORD: Keyspace<(OwnedRoomId, String, Stamp), ()> =
    Keyspace::new("search_word");
/// How much of each room has been written down.
pub(crate) const SEARCH_CURSOR: Keyspace<OwnedRoomId, SearchCursor> =
    Keyspace::new("search_cursor");

/// How many events one batch covers.
const PAGE: usize = 200;
/// How many events a request writes down before it searches; the rest follows while nobody waits.
const MOST_PER_REQUEST: usize = 2000;
/// How often a batch is tried again when another reader was faster.
const MOST_ATTEMPTS: usize = 16;

/// How much of a room has been written down: everything in between.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SearchCursor {
    /// Up to this stamp …
    newest: Stamp,
    /// … and from after this one on.
    oldest: Stamp,
}

impl Record for SearchCursor {}

/// What is still to be read of a room.
struct Unread {
    cursor: SearchCursor,
    version: Option<Position>,
    range: TimelineRange,
    direction: Direction,
}

impl Rooms {
    /// Writes down what is new in rooms, as far as one request should.
    pub(super) async fn index_rooms(&self, room_ids: &[OwnedRoomId]) -> Result<(), RoomError> {
        let mut budget = MOST_PER_REQUEST;
        for room_id in room_ids {
            while let Some(read) = self.index_some(room_id).await? {
                budget = budget.saturating_sub(read);
                if budget == 0 {
                    self.index_later(room_ids.to_vec());
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Goes on while nobody waits for it.
    fn index_later(&self, room_ids: Vec<OwnedRoomId>) {
        let rooms = self.clone();
        tokio::spawn(async move {
            // One at a time: whoever searches meanwhile goes on by themselves.
            let Ok(_only) = rooms.inner.indexing.clone().try_lock_owned() else { return };
            for room_id in room_ids {
                loop {
                    match rooms.index_some(&room_id).await {
                        Ok(Some(_)) => tokio::task::yield_now().await,
                        Ok(None) => break,
                        Err(error) => {
                            tracing::warn!(%error, "the words of a room could not be written down");
                            return;
                        }
                    }
                }
            }
        });
    }

    /// Writes down some more of a room; how many events, or `None` if there are no more.
    async fn index_some(&self, room_id: &RoomId) -> Result<Option<usize>, RoomError> {
        for _ in 0..MOST_ATTEMPTS {
            let snapshot = self.inner.store.snapshot().await?;
            let Some((head, head_version)) = self.head(&snapshot, room_id).await? else {
                return Ok(None);
            };
            let row = snapshot.get_versioned(&SEARCH_CURSOR, room_id).await?;
            let Some(unread) = unread(row, &head, head_version) else { return Ok(None) };
            // What is encrypted has no words; of what was said in the clear before, they stay.
            let summary = self.summary(&snapshot, room_id).await?;
            if summary.is_none_or(|(summary, _)| summary.encryption.is_some()) {
                return Ok(None);
            }

            let Unread { mut cursor, version, range, direction } = unread;
            let events = self.timeline(&snapshot, room_id, range, PAGE, direction).await?;
            let read_up_to = Stamp::last_at(snapshot.position());
            drop(snapshot);
            let is_last = events.len() < PAGE;
            let last = events.last().and_then(|event| event.stamp);
            match (direction, last) {
                (Direction::Forward, Some(last)) if !is_last => cursor.newest = last,
                (Direction::Forward, _) => cursor.newest = read_up_to,
                (Direction::Backward, Some(last)) if !is_last => {
                    cursor.oldest = PaginationToken::before(last).stamp();
                }
                (Direction::Backward, _) => {
                    cursor.oldest = Stamp { order: head.oldest_order.saturating_sub(1), index: 0 };
                }
            }
            let mut batch = Batch::new();
            batch.require(&SEARCH_CURSOR, room_id, Expect::unchanged(version));
            batch.put(&SEARCH_CURSOR, room_id, &cursor);
            for event in &events {
                let (Some(stamp), Some(searchable)) = (event.stamp, Searchable::of(event)) else {
                    continue;
                };
                for word in words(&searchable.text) {
                    batch.put(&SEARCH_WORD, (room_id, &word, stamp), &());
                }
            }
            match self.inner.store.commit(batch).await {
                Ok(_) => return Ok(Some(events.len().max(1))),
                // Somebody else wrote the same down.
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RoomError::Busy)
    }
}

/// What is to be read next of a room: what is new, then what is old.
fn unread(
    row: Option<(SearchCursor, Position)>,
    head: &RoomHead,
    head_version: Position,
) -> Option<Unread> {
    let Some((cursor, version)) = row else {
        // Nothing was read yet: from the end backwards, the newest matters most.
        let end = Stamp::last_at(head_version);
        let cursor = SearchCursor { newest: end, oldest: end };
        let range = TimelineRange { after: Stamp::MIN, up_to: end };
        return Some(Unread { cursor, version: None, range, direction: Direction::Backward });
    };
    let version = Some(version);
    if cursor.newest < Stamp::last_at(head_version) {
        let range = TimelineRange { after: cursor.newest, up_to: Stamp::MAX };
        return Some(Unread { cursor, version, range, direction: Direction::Forward });
    }
    let start = Stamp { order: head.oldest_order.saturating_sub(1), index: 0 };
    (cursor.oldest > start).then(|| {
        let range = TimelineRange { after: Stamp::MIN, up_to: cursor.oldest };
        Unread { cursor, version, range, direction: Direction::Backward }
    })
}
