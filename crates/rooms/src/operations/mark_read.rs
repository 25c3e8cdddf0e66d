use pli_accounts::AccountData;
use pli_store::{Batch, Expect, Stamp, Touch};
use ruma::{EventId, OwnedEventId, RoomId, UserId};
use serde_json::{json, value::to_raw_value};

use crate::{
    Rooms,
    error::RoomError,
    keyspaces::{RECEIPT, RECEIPT_STREAM},
    news::NewsKind,
    rows::{ReceiptKind, ReceiptRow, StreamedReceipt, THREAD_UNTHREADED},
};

/// How often a receipt is tried again when the same user sends others at the same time.
const MOST_ATTEMPTS: usize = 8;

/// Which thread a receipt is for: a part of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptThreadKey {
    /// The receipt says nothing of threads.
    Unthreaded,
    /// What is in no thread.
    Main,
    /// The thread with this root.
    Thread(OwnedEventId),
}

impl ReceiptThreadKey {
    fn as_str(&self) -> &str {
        match self {
            Self::Unthreaded => THREAD_UNTHREADED,
            Self::Main => "main",
            Self::Thread(root) => root.as_str(),
        }
    }
}

/// What somebody marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Everything up to the event has been read.
    Receipt(ReceiptKind, ReceiptThreadKey),
    /// The person's own marker, set by hand.
    FullyRead,
}

impl Rooms {
    /// Marks how far a user has read. Receipts only move forward; one for an older event changes
    /// nothing.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`] unless the user is joined, [`RoomError::UnknownEvent`] if there is no
    /// such event in the room; when the store fails.
    pub async fn mark_read(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        event_id: &EventId,
        mark: &Mark,
    ) -> Result<(), RoomError> {
        for _ in 0..MOST_ATTEMPTS {
            match self.try_mark_read(user_id, room_id, event_id, mark).await {
                Err(RoomError::Busy) => {}
                outcome => return outcome,
            }
        }
        Err(RoomError::Busy)
    }

    async fn try_mark_read(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        event_id: &EventId,
        mark: &Mark,
    ) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        if !self.is_joined(&snapshot, user_id, room_id).await? {
            return Err(RoomError::Forbidden("you are not in this room".to_owned()));
        }
        let unknown = || RoomError::UnknownEvent(event_id.to_owned());
        let event = self.event(&snapshot, event_id).await?;
        let event = event.filter(|event| event.pdu.room_id() == room_id).ok_or_else(unknown)?;
        let stamp = event.stamp.ok_or_else(unknown)?;

        let (kind, thread) = match mark {
            Mark::Receipt(kind, thread) => (*kind, thread.as_str()),
            Mark::FullyRead => {
                let content = to_raw_value(&json!({ "event_id": event_id }))
                    .map_err(|error| RoomError::BadContent(error.to_string()))?;
                let mut batch = Batch::new();
                AccountData::stage(
                    &snapshot,
                    &mut batch,
                    user_id,
                    Some(room_id),
                    "m.fully_read",
                    &content,
                )
                .await?;
                drop(snapshot);
                if !batch.is_empty() {
                    self.inner.store.commit(batch).await?;
                }
                return Ok(());
            }
        };

        let key = (room_id, kind, thread, user_id);
        let former = snapshot.get_versioned(&RECEIPT, key).await?;
        drop(snapshot);
        if former.as_ref().is_some_and(|(former, _)| former.stamp >= stamp) {
            return Ok(());
        }
        let mut batch = Batch::new();
        let former_version = former.as_ref().map(|(_, version)| *version);
        batch.require(&RECEIPT, key, Expect::unchanged(former_version));
        if let Some((former, version)) = former {
            let streamed_at = Stamp { index: former.stream_index, ..Stamp::first_at(version) };
            batch.delete(&RECEIPT_STREAM, (room_id, streamed_at));
        }
        let ts = self.inner.ambient.now();
        let streamed = StreamedReceipt {
            user_id: user_id.to_owned(),
            kind,
            thread: thread.to_owned(),
            event_id: event_id.to_owned(),
            ts,
        };
        let stream_index = batch.append(&RECEIPT_STREAM, (room_id,), &streamed);
        let row = ReceiptRow { event_id: event_id.to_owned(), stamp, ts, stream_index };
        batch.put(&RECEIPT, key, &row);
        if kind == ReceiptKind::Read {
            self.stage_news(&mut batch, room_id, NewsKind::Receipt);
        }
        // Everybody in the room hears of public receipts; of private ones only their owner, whose
        // unread counts change.
        batch.touch(match kind {
            ReceiptKind::Read => Touch::Room(room_id.to_owned()),
            ReceiptKind::ReadPrivate => Touch::Member {
                room_id: room_id.to_owned(),
                user_id: user_id.to_owned(),
                joined: true,
            },
        });
        self.inner.store.commit(batch).await?;
        Ok(())
    }

    /// Says that a user is typing in a room, or (`None`) not any more.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`] unless the user is joined; when the store fails.
    pub async fn set_typing(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        timeout: Option<std::time::Duration>,
    ) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        if !self.is_joined(&snapshot, user_id, room_id).await? {
            return Err(RoomError::Forbidden("you are not in this room".to_owned()));
        }
        match timeout {
            Some(timeout) => self.typing().start(room_id, user_id, timeout),
            None => self.typing().stop(room_id, user_id),
        }
        Ok(())
    }
}
