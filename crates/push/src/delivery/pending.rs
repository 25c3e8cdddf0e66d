//! What waits to be told to pushers.

use pli_store::{Batch, Direction, Keyspace, Position, Record, Row, Snapshot, Stamp, StoreError};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, UserId, push::Tweak};
use serde::{Deserialize, Serialize};

/// user, app id, push key, place of the event (or of the receipt) in the log → what to tell.
pub(crate) const PENDING: Keyspace<(OwnedUserId, String, String, Stamp), PendingPush> =
    Keyspace::new("pending_pushes");
/// How far the log has been read for notifications.
pub(crate) const READER: Keyspace<String, ReaderRow> = Keyspace::new("push_reader");
/// The key of the one row.
pub(crate) const READER_KEY: &str = "notifications";

/// How many notifications wait for a pusher at most: who was away for long wants the newest.
pub(crate) const MOST_WAITING: usize = 100;
/// How many rows are read at once when all are looked at.
const PAGE: usize = 1_000;

/// Something to tell a pusher.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PendingPush {
    /// The event; `None`: only that the number of unread messages changed.
    pub(crate) event_id: Option<OwnedEventId>,
    /// Where.
    pub(crate) room_id: OwnedRoomId,
    /// How to notify: JSON of the tweaks.
    pub(crate) tweaks: String,
    /// When it was noted, in milliseconds since the Unix epoch.
    pub(crate) noted_ms: u64,
}

impl Record for PendingPush {}

impl PendingPush {
    pub(crate) fn of_event(
        event_id: OwnedEventId,
        room_id: OwnedRoomId,
        tweaks: &[Tweak],
        noted_ms: u64,
    ) -> Self {
        let tweaks = serde_json::to_string(tweaks).unwrap_or_default();
        Self { event_id: Some(event_id), room_id, tweaks, noted_ms }
    }

    pub(crate) fn of_count(room_id: OwnedRoomId, noted_ms: u64) -> Self {
        Self { event_id: None, room_id, tweaks: String::new(), noted_ms }
    }

    /// How to notify.
    pub(crate) fn tweaks(&self) -> Vec<Tweak> {
        serde_json::from_str(&self.tweaks).unwrap_or_default()
    }
}

/// How far the log has been read. The row is also the reader's lease: whoever reads requires that
/// the row is as they wrote it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ReaderRow {
    /// Grows whenever a node begins to read: what a former one still does is void.
    pub(crate) epoch: u64,
    /// Whatever notifies up to here waits for its pushers, or was told.
    pub(crate) position: Position,
}

impl Record for ReaderRow {}

/// A pusher: user, app id, push key.
pub(crate) type PusherKey = (OwnedUserId, String, String);

/// What waits for a pusher, oldest first; and what is too much of it.
pub(crate) async fn waiting(
    snapshot: &Snapshot,
    (user_id, app_id, pushkey): &PusherKey,
) -> Result<Waiting, StoreError> {
    let range = PENDING.prefix((user_id, app_id, pushkey));
    let mut rows = snapshot.scan(&PENDING, range, PAGE, Direction::Backward).await?;
    let surplus = rows.split_off(rows.len().min(MOST_WAITING));
    rows.reverse();
    Ok(Waiting { rows, surplus })
}

pub(crate) struct Waiting {
    pub(crate) rows: Vec<Row<(OwnedUserId, String, String, Stamp), PendingPush>>,
    pub(crate) surplus: Vec<Row<(OwnedUserId, String, String, Stamp), PendingPush>>,
}

/// The pushers for which anything waits.
pub(crate) async fn waited_for(snapshot: &Snapshot) -> Result<Vec<PusherKey>, StoreError> {
    let mut keys = Vec::new();
    let mut range = PENDING.all();
    loop {
        // One row of a pusher says that there is something; the next pusher's come after all of its.
        let rows = snapshot.scan(&PENDING, range, 1, Direction::Forward).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(keys) };
        let (user_id, app_id, pushkey, _) = row.key;
        range = PENDING.all().past(PENDING.prefix((&user_id, &app_id, &pushkey)));
        keys.push((user_id, app_id, pushkey));
    }
}

/// Forgets what waits for a pusher.
pub(crate) async fn stage_forgetting(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user_id: &UserId,
    app_id: &str,
    pushkey: &str,
) -> Result<(), StoreError> {
    let range = PENDING.prefix((user_id, app_id, pushkey));
    for row in snapshot.scan(&PENDING, range, PAGE, Direction::Forward).await? {
        batch.delete(&PENDING, &row.key);
    }
    Ok(())
}
