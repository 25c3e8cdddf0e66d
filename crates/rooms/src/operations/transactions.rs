use std::time::Duration;

use pli_store::{Batch, Direction, Expect};

use crate::{Rooms, error::RoomError, keyspaces::TRANSACTION};

/// How many rows one batch of the sweep drops at most.
const PAGE: usize = 500;

/// How long a transaction id is kept: no client repeats a request after that.
const TRANSACTIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often transaction ids are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 3600);

impl Rooms {
    /// Sweeps transaction ids once a day, for as long as the process runs.
    pub async fn sweep_now_and_then(self) {
        loop {
            match self.sweep_transactions(TRANSACTIONS_KEPT).await {
                Ok(dropped) => tracing::debug!(dropped, "swept old transaction ids"),
                Err(error) => tracing::warn!(%error, "old transaction ids could not be swept"),
            }
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    }

    /// Drops the transaction ids that are older than `age`. Returns how many.
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
