//! Writing down the words of rooms.

use pli_store::{
    Batch, CodecError, CommitError, Direction, Expect, Keyspace, Position, Record, Stamp, Value,
};
use ruma::{OwnedRoomId, RoomId};
use serde::{Deserialize, Serialize};

use super::{
    SearchKey,
    words::{Searchable, words},
};
use crate::{
    Rooms, error::RoomError, pagination::PaginationToken, read::TimelineRange, rows::RoomHead,
};

/// Where each word is: room, word, the event's place on the timeline.
pub(crate) const SEARCH_WORD: Keyspace<(OwnedRoomId, String, Stamp), WordPlace> =
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

/// What is to be known of an event that has a word, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WordPlace {
    /// Which part of it has the word.
    pub(crate) key: SearchKey,
    /// How many different words that part has. 0: written before that was noted; the room is about to
    /// be read again.
    pub(crate) words: u16,
}

impl Value for WordPlace {
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let key = match self.key {
            SearchKey::Body => 0,
            SearchKey::Name => 1,
            SearchKey::Topic => 2,
        };
        let [high, low] = self.words.to_be_bytes();
        Ok(vec![key, high, low])
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        match *bytes {
            [] => Ok(Self { key: SearchKey::Body, words: 0 }),
            [key, high, low] => {
                let key = match key {
                    0 => SearchKey::Body,
                    1 => SearchKey::Name,
                    2 => SearchKey::Topic,
                    other => return Err(CodecError::Value(format!("search key {other}"))),
                };
                Ok(Self { key, words: u16::from_be_bytes([high, low]) })
            }
            _ => Err(CodecError::Value("word place".to_owned())),
        }
    }
}

/// How much of a room has been written down: everything in between.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SearchCursor {
    /// Up to this stamp …
    newest: Stamp,
    /// … and from after this one on.
    oldest: Stamp,
    /// Whether it was noted how many words each event has. If not, it is all to be read again.
    #[serde(default)]
    counted: bool,
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
        let unread = self.unread_rooms(room_ids).await?;
        for room_id in &unread {
            while let Some(read) = self.index_some(room_id).await? {
                budget = budget.saturating_sub(read);
                if budget == 0 {
                    self.index_later(unread);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Those rooms of which there is something to be written down.
    async fn unread_rooms(&self, room_ids: &[OwnedRoomId]) -> Result<Vec<OwnedRoomId>, RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let heads = self.heads(&snapshot, room_ids).await?;
        let cursors = snapshot.get_many(&SEARCH_CURSOR, room_ids).await?;
        let unread = room_ids.iter().zip(heads).zip(cursors).filter(|((_, head), cursor)| {
            let Some((head, version)) = head else { return false };
            unread(*cursor, head, *version).is_some()
        });
        let mut unread: Vec<OwnedRoomId> =
            unread.map(|((room_id, _), _)| room_id.clone()).collect();
        // What is encrypted has no words.
        let summaries = self.summaries(&snapshot, &unread).await?;
        let mut is_clear = summaries
            .into_iter()
            .map(|summary| summary.is_some_and(|(summary, _)| summary.encryption.is_none()));
        unread.retain(|_| is_clear.next().unwrap_or(false));
        Ok(unread)
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
                let words = words(&searchable.text);
                let count = u16::try_from(words.len()).unwrap_or(u16::MAX);
                let place = WordPlace { key: searchable.key, words: count };
                for word in &words {
                    batch.put(&SEARCH_WORD, (room_id, word, stamp), &place);
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
    let version = row.map(|(_, version)| version);
    let Some((cursor, _)) = row.filter(|(cursor, _)| cursor.counted) else {
        // Nothing was read yet: from the end backwards, the newest matters most.
        let end = Stamp::last_at(head_version);
        let cursor = SearchCursor { newest: end, oldest: end, counted: true };
        let range = TimelineRange { after: Stamp::MIN, up_to: end };
        return Some(Unread { cursor, version, range, direction: Direction::Backward });
    };
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
