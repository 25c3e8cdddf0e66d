//! A device's queue: what is waiting, and what can go.

use pli_store::{Batch, Direction, Position, Row, Snapshot, Stamp};
use ruma::{DeviceId, OwnedUserId, UserId};
use serde_json::value::RawValue;

use super::{TO_DEVICE_MESSAGES, ToDevice};
use crate::AccountsError;

/// How many messages one batch deletes.
const DELETE_AT_ONCE: usize = 1_000;

/// Messages for a device.
#[derive(Debug, Default)]
pub struct Pending {
    /// Events with `type`, `sender` and `content`, oldest first.
    pub events: Vec<Box<RawValue>>,
    /// When more are waiting than were asked for: up to where these go. The device has seen nothing
    /// after it, so nothing after it may be acknowledged for it.
    pub up_to: Option<Position>,
}

impl ToDevice {
    /// The oldest messages for a device that were queued after a position, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pending(
        snapshot: &Snapshot,
        user: &UserId,
        device: &DeviceId,
        after: Position,
        limit: usize,
    ) -> Result<Pending, AccountsError> {
        let range =
            TO_DEVICE_MESSAGES.prefix((user, device)).after((user, device, Stamp::last_at(after)));
        let mut rows = snapshot
            .scan(&TO_DEVICE_MESSAGES, range, limit.saturating_add(1), Direction::Forward)
            .await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        // No two messages for a device have the same position, so a position can stand for how far
        // a device has come.
        let up_to = rows.last().filter(|_| more).map(|row| row.key.2.position());
        let events = rows.into_iter().map(|row| row.value.into_raw()).collect();
        Ok(Pending { events, up_to })
    }

    /// The first user, in the order of their ids, of whom a device has messages waiting: for whoever
    /// must know them all after a restart.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next_waiting_user(
        snapshot: &Snapshot,
        after: Option<&UserId>,
    ) -> Result<Option<OwnedUserId>, AccountsError> {
        let mut range = TO_DEVICE_MESSAGES.all();
        if let Some(after) = after {
            range = range.past(TO_DEVICE_MESSAGES.prefix((after,)));
        }
        let rows = snapshot.scan(&TO_DEVICE_MESSAGES, range, 1, Direction::Forward).await?;
        Ok(rows.into_iter().next().map(|row| row.key.0))
    }

    /// Deletes the messages up to a position in a batch that does more: at most as many as
    /// [`ToDevice::pending`] gave for it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stage_acknowledgement(
        snapshot: &Snapshot,
        batch: &mut Batch,
        user: &UserId,
        device: &DeviceId,
        up_to: Position,
    ) -> Result<(), AccountsError> {
        let range =
            TO_DEVICE_MESSAGES.prefix((user, device)).up_to((user, device, Stamp::last_at(up_to)));
        let delivered =
            snapshot.scan(&TO_DEVICE_MESSAGES, range, DELETE_AT_ONCE, Direction::Forward).await?;
        for Row { key, .. } in delivered {
            batch.delete(&TO_DEVICE_MESSAGES, key);
        }
        Ok(())
    }

    /// Deletes the messages up to the position that a device says it has come to. Costs one look-up
    /// if there are none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn acknowledge(
        &self,
        user: &UserId,
        device: &DeviceId,
        since: Position,
    ) -> Result<(), AccountsError> {
        loop {
            let snapshot = self.store.snapshot().await?;
            let range = TO_DEVICE_MESSAGES.prefix((user, device)).up_to((
                user,
                device,
                Stamp::last_at(since),
            ));
            let delivered = snapshot
                .scan(&TO_DEVICE_MESSAGES, range, DELETE_AT_ONCE, Direction::Forward)
                .await?;
            drop(snapshot);
            if delivered.is_empty() {
                return Ok(());
            }
            let complete = delivered.len() < DELETE_AT_ONCE;
            let mut batch = Batch::new();
            for Row { key, .. } in delivered {
                batch.delete(&TO_DEVICE_MESSAGES, key);
            }
            self.store.commit(batch).await?;
            if complete {
                return Ok(());
            }
        }
    }
}
