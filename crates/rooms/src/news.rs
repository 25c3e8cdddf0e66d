//! The stream of what happened in all rooms, for readers of the log that go on after a restart where
//! they stopped: application services.
//!
//! It is written only while somebody reads it: one small row for each batch that appends events, and
//! one for each public receipt.

use std::sync::atomic::Ordering;

use pli_store::{Batch, Direction, Keyspace, Position, Record, Row, Snapshot, Stamp};
use ruma::{OwnedRoomId, RoomId};
use serde::{Deserialize, Serialize};

use crate::{
    Rooms,
    error::RoomError,
    keyspaces::RECEIPT_STREAM,
    rows::{ReceiptKind, StreamedReceipt},
};

/// What happened in rooms, in the order of the log.
pub(crate) const ROOM_NEWS: Keyspace<(Stamp,), RoomNews> = Keyspace::new("room_news");

/// How many rows are forgotten at once.
const FORGOTTEN_AT_ONCE: usize = 1_000;

/// What kind of thing happened in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewsKind {
    /// Events were appended.
    Events,
    /// Somebody's public receipt moved.
    Receipt,
}

/// Something that happened in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomNews {
    /// Where.
    pub room_id: OwnedRoomId,
    /// What.
    pub kind: NewsKind,
}

impl Record for RoomNews {}

impl Rooms {
    /// Writes the stream from now on.
    pub fn keep_news(&self) {
        self.inner.keeps_news.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stage_news(&self, batch: &mut Batch, room_id: &RoomId, kind: NewsKind) {
        if self.inner.keeps_news.load(Ordering::Relaxed) {
            batch.append(&ROOM_NEWS, (), &RoomNews { room_id: room_id.to_owned(), kind });
        }
    }

    /// What happened after a position, at most `limit` things, and the position of each.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn news_after(
        &self,
        snapshot: &Snapshot,
        after: Position,
        limit: usize,
    ) -> Result<Vec<(Position, RoomNews)>, RoomError> {
        let range = ROOM_NEWS.all().after((Stamp::last_at(after),));
        let rows = snapshot.scan(&ROOM_NEWS, range, limit, Direction::Forward).await?;
        let news = |Row { key: (stamp,), value, .. }| (Stamp::position(stamp), value);
        Ok(rows.into_iter().map(news).collect())
    }

    /// Forgets what happened up to a position: every reader has read it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_news(&self, up_to: Position) -> Result<(), RoomError> {
        loop {
            let snapshot = self.inner.store.snapshot().await?;
            let range = ROOM_NEWS.all().up_to((Stamp::last_at(up_to),));
            let rows =
                snapshot.scan(&ROOM_NEWS, range, FORGOTTEN_AT_ONCE, Direction::Forward).await?;
            drop(snapshot);
            if rows.is_empty() {
                return Ok(());
            }
            let is_last = rows.len() < FORGOTTEN_AT_ONCE;
            let mut batch = Batch::new();
            for row in rows {
                batch.delete(&ROOM_NEWS, row.key);
            }
            self.inner.store.commit(batch).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// The public receipts of a room that moved last after one position and up to another, at most
    /// `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn public_receipts_between(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        after: Position,
        up_to: Position,
        limit: usize,
    ) -> Result<Vec<StreamedReceipt>, RoomError> {
        let range = RECEIPT_STREAM
            .prefix((room_id,))
            .after((room_id, Stamp::last_at(after)))
            .up_to((room_id, Stamp::last_at(up_to)));
        let rows = snapshot.scan(&RECEIPT_STREAM, range, limit, Direction::Forward).await?;
        let receipts = rows.into_iter().map(|row| row.value);
        Ok(receipts.filter(|receipt| receipt.kind == ReceiptKind::Read).collect())
    }
}
