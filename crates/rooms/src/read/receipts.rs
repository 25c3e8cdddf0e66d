use pli_store::{Direction, Position, Snapshot, Stamp};
use ruma::{RoomId, UserId};

use super::lists::PAGE;
use crate::{
    Rooms,
    error::RoomError,
    keyspaces::{RECEIPT, RECEIPT_STREAM},
    rows::{ReceiptKind, ReceiptRow, StreamedReceipt},
};

impl Rooms {
    /// The receipts of a room that changed after a position, that the reader may know of: everybody's
    /// public ones, and their own private ones. [`Position::ZERO`] gives all.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn receipts_since(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        reader: &UserId,
        after: Position,
    ) -> Result<Vec<StreamedReceipt>, RoomError> {
        let mut receipts = Vec::new();
        let mut last = Stamp::last_at(after);
        loop {
            let range = RECEIPT_STREAM.prefix((room_id,)).after((room_id, last));
            let rows = snapshot.scan(&RECEIPT_STREAM, range, PAGE, Direction::Forward).await?;
            let is_last = rows.len() < PAGE;
            for row in rows {
                last = row.key.1;
                if row.value.kind == ReceiptKind::Read || row.value.user_id == reader {
                    receipts.push(row.value);
                }
            }
            if is_last {
                return Ok(receipts);
            }
        }
    }

    /// The receipts of a room, public and private, that moved last after one position and up to
    /// another, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn receipts_between(
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
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    /// How far a user has read: their latest receipt of one kind and thread
    /// ([`THREAD_UNTHREADED`](crate::THREAD_UNTHREADED), `main`, or the thread's root).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn receipt(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        kind: ReceiptKind,
        thread: &str,
        user_id: &UserId,
    ) -> Result<Option<ReceiptRow>, RoomError> {
        Ok(snapshot.get(&RECEIPT, (room_id, kind, thread, user_id)).await?)
    }

    /// How far a user has read in some threads, whichever of their public and their private receipt
    /// is further: the stamps of the events, in the order of the threads (as in [`Rooms::receipt`]).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_up_to(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        threads: &[&str],
        user_id: &UserId,
    ) -> Result<Vec<Option<Stamp>>, RoomError> {
        let kinds = [ReceiptKind::Read, ReceiptKind::ReadPrivate];
        let keys =
            threads.iter().flat_map(|thread| kinds.map(|kind| (room_id, kind, *thread, user_id)));
        let receipts = snapshot.get_many(&RECEIPT, keys).await?;
        let furthest = |of_thread: &[Option<(ReceiptRow, Position)>]| {
            of_thread.iter().flatten().map(|(receipt, _)| receipt.stamp).max()
        };
        Ok(receipts.chunks(kinds.len()).map(furthest).collect())
    }
}
