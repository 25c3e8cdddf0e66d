use std::time::Duration;

use pli_store::{Batch, Direction, Expect};

use crate::{Rooms, error::RoomError, keyspaces::TRANSACTION};

/// How many rows one batch of the sweep drops at most.
const PAGE: usize = 500;

impl Rooms {
    /// Drops the transaction ids that are older than `age`: no client repeats a request after that.
    /// Returns how many. Meant to run once a day or so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sweep_transactions(&self, age: Duration) -> Result<usize, RoomError> {
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let oldest_kept = self.inner.ambient.now_ms().saturating_sub(age_ms);
        let mut dropped = 0;
        let mut range = TRANSACTION.all();
        loop {
            let snapshot = self.inner.store.snapshot().await?;
            let rows = snapshot.scan(&TRANSACTION, range, PAGE, Direction::Forward).await?;
            drop(snapshot);
            let Some(last) = rows.last() else { return Ok(dropped) };
            range = TRANSACTION.all().after(&last.key);
            let is_last = rows.len() < PAGE;
            let mut batch = Batch::new();
            for row in &rows {
                if u64::from(row.value.ts.0) < oldest_kept {
                    batch
                        .require(&TRANSACTION, &row.key, Expect::Version(row.version))
                        .delete(&TRANSACTION, &row.key);
                    dropped += 1;
                }
            }
            if !batch.is_empty() {
                self.inner.store.commit(batch).await?;
            }
            if is_last {
                return Ok(dropped);
            }
        }
    }
}
