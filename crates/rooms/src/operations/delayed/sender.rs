use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt, stream};
use pli_store::{Batch, Direction, Expect, Position};
use ruma::OwnedRoomId;

use super::{DELAYED_EVENT, DELAYED_EVENT_DUE, DelayedEventRow, DelayedEvents, rows, send};
use crate::error::RoomError;

/// How many due events are taken at once.
const ROUND: usize = 256;
/// In how many rooms events are sent at once.
const CONCURRENT_ROOMS: usize = 8;
/// How long to wait after the first failure; doubled after each further one.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// The longest wait between two attempts.
const LONGEST_RETRY: Duration = Duration::from_secs(5 * 60);
/// The longest wait before the clock is looked at again: it may be set, and a machine may sleep.
const LONGEST_NAP: Duration = Duration::from_millis(200);
/// When nothing waits that this node knows of: how often to look for what other nodes left behind.
const IDLE: Duration = Duration::from_secs(30);

/// A delayed event that is due.
struct Due {
    delay_id: String,
    row: DelayedEventRow,
    version: Position,
}

impl DelayedEvents {
    /// Sends events when they are due, until the future is dropped. Dropping it loses nothing.
    pub async fn run(self) {
        loop {
            match self.send_due().await {
                Ok(next_ms) => self.wait_until(next_ms).await,
                Err(error) => {
                    tracing::error!(%error, "delayed events can't be read");
                    tokio::time::sleep(FIRST_RETRY).await;
                }
            }
        }
    }

    /// Waits until a moment (milliseconds since the Unix epoch), or until something may be due
    /// earlier.
    async fn wait_until(&self, next_ms: Option<u64>) {
        let mut waited = Duration::ZERO;
        loop {
            let nap = match next_ms {
                None => IDLE,
                Some(next_ms) => {
                    let left = next_ms.saturating_sub(self.rooms.inner.ambient.now_ms());
                    LONGEST_NAP.min(Duration::from_millis(left))
                }
            };
            if nap.is_zero() || waited >= IDLE {
                return;
            }
            if tokio::time::timeout(nap, self.changed.notified()).await.is_ok() {
                return;
            }
            waited += nap;
        }
    }

    /// Sends everything that is due, in the order in which it is, and forgets what has been over for
    /// long. Returns when the next event is due, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn send_due(&self) -> Result<Option<u64>, RoomError> {
        loop {
            let now_ms = self.rooms.inner.ambient.now_ms();
            let snapshot = self.rooms.inner.store.snapshot().await?;
            let range = DELAYED_EVENT_DUE.all();
            let rows = snapshot.scan(&DELAYED_EVENT_DUE, range, ROUND, Direction::Forward).await?;
            let next_ms = rows.iter().map(|row| row.key.0).find(|due_ms| *due_ms > now_ms);
            let is_all = next_ms.is_some() || rows.len() < ROUND;
            let ids: Vec<String> =
                rows.into_iter().filter(|row| row.key.0 <= now_ms).map(|row| row.key.1).collect();
            let found = snapshot.get_many(&DELAYED_EVENT, &ids).await?;
            drop(snapshot);

            // What is to be sent into one room keeps its order.
            let mut by_room: HashMap<OwnedRoomId, Vec<Due>> = HashMap::new();
            let mut old = Batch::new();
            for (delay_id, found) in ids.into_iter().zip(found) {
                let Some((row, version)) = found else { continue };
                if row.outcome.is_some() {
                    old.require(&DELAYED_EVENT, &delay_id, Expect::Version(version));
                    rows::stage_removal(&mut old, &delay_id, &row);
                } else {
                    let due = Due { delay_id, row, version };
                    by_room.entry(due.row.room_id.clone()).or_default().push(due);
                }
            }
            let was_idle = by_room.is_empty() && old.is_empty();
            if !old.is_empty() {
                match self.rooms.inner.store.commit(old).await.map_err(RoomError::from) {
                    // Another node forgets them.
                    Ok(_) | Err(RoomError::Busy) => {}
                    Err(error) => return Err(error),
                }
            }
            let outcomes: Vec<Result<(), RoomError>> = stream::iter(by_room.into_values())
                .map(|due| self.send_in_turn(due))
                .buffer_unordered(CONCURRENT_ROOMS)
                .collect()
                .await;
            outcomes.into_iter().collect::<Result<(), RoomError>>()?;
            // What failed for now is due again later, which changed when the next one is.
            if was_idle && is_all {
                return Ok(next_ms);
            }
        }
    }

    async fn send_in_turn(&self, due: Vec<Due>) -> Result<(), RoomError> {
        for Due { delay_id, row, version } in due {
            let Err(error) = self.send_now(&delay_id, &row).await else { continue };
            let is_over =
                matches!(error, RoomError::UnknownDelayedEvent | RoomError::DelayedEventIsOver)
                    || send::refusal(&error).is_some();
            if is_over {
                tracing::debug!(%error, "a delayed event was not sent");
                continue;
            }
            tracing::warn!(%error, attempts = row.attempts, "a delayed event could not be sent yet");
            self.postpone(&delay_id, &row, version).await?;
        }
        Ok(())
    }

    async fn postpone(
        &self,
        delay_id: &str,
        row: &DelayedEventRow,
        version: Position,
    ) -> Result<(), RoomError> {
        let wait = FIRST_RETRY.saturating_mul(1 << row.attempts.min(16)).min(LONGEST_RETRY);
        let now_ms = self.rooms.inner.ambient.now_ms();
        let later = DelayedEventRow {
            attempts: row.attempts.saturating_add(1),
            retry_ms: Some(now_ms.saturating_add(rows::milliseconds(wait))),
            ..row.clone()
        };
        match self.replace(delay_id, row, version, &later).await {
            // Somebody restarted, cancelled or sent it meanwhile.
            Ok(()) | Err(RoomError::Busy) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
