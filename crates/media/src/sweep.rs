use std::time::Duration;

use pli_store::{Batch, CommitError, Direction, Expect};

use crate::{
    Media, MediaError,
    records::{LOOSE_BLOBS, PENDING, PENDING_OF_USER},
};

/// How many rows are looked at in one read.
const PAGE: usize = 500;

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs of interrupted uploads and deletions.
    pub blobs: usize,
    /// Announced files whose content never came.
    pub announcements: usize,
}

/// How long it is from one sweep to the next.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

impl Media {
    /// Sweeps every hour, until the future is dropped.
    pub async fn sweep_now_and_then(self) {
        loop {
            match self.sweep().await {
                Ok(swept) if swept == Swept::default() => {}
                Ok(swept) => tracing::info!(?swept, "removed what uploads left behind"),
                Err(error) => tracing::error!(%error, "what uploads left could not be removed"),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Removes what interrupted uploads and deletions left, and announced files that have expired.
    /// Several nodes may do it
    /// at once.
    ///
    /// # Errors
    /// When a store failed; what is left is removed by the next sweep.
    pub async fn sweep(&self) -> Result<Swept, MediaError> {
        let blobs = self.sweep_blobs().await?;
        let announcements = self.sweep_announcements().await?;
        Ok(Swept { blobs, announcements })
    }

    async fn sweep_blobs(&self) -> Result<usize, MediaError> {
        let timeout = u64::try_from(self.0.config.upload_timeout.as_millis()).unwrap_or(u64::MAX);
        let oldest_live = self.0.ambient.now_ms().saturating_sub(timeout);
        let mut swept = 0;
        let mut range = LOOSE_BLOBS.all();
        loop {
            let snapshot = self.0.store.snapshot().await?;
            let rows = snapshot.scan(&LOOSE_BLOBS, range, PAGE, Direction::Forward).await?;
            drop(snapshot);
            for row in &rows {
                if row.value < oldest_live && self.sweep_blob(&row.key, row.version).await? {
                    swept += 1;
                }
            }
            match rows.last() {
                Some(last) if rows.len() == PAGE => range = LOOSE_BLOBS.all().after(&last.key),
                _ => return Ok(swept),
            }
        }
    }

    /// Deletes a blob unless a file got hold of it meanwhile.
    async fn sweep_blob(
        &self,
        blob: &str,
        version: pli_store::Position,
    ) -> Result<bool, MediaError> {
        // Written anew first: from here on an upload that is still running can't commit it.
        let mut batch = Batch::new();
        batch.require(&LOOSE_BLOBS, blob, Expect::Version(version)).put(&LOOSE_BLOBS, blob, &0);
        match self.0.store.commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Conflict(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.delete_loose_blob(blob).await?;
        Ok(true)
    }

    async fn sweep_announcements(&self) -> Result<usize, MediaError> {
        let now = self.0.ambient.now_ms();
        let mut swept = 0;
        let mut range = PENDING.all();
        loop {
            let snapshot = self.0.store.snapshot().await?;
            let rows = snapshot.scan(&PENDING, range, PAGE, Direction::Forward).await?;
            drop(snapshot);
            let mut batch = Batch::new();
            for row in rows.iter().filter(|row| row.value.expires_at <= now) {
                batch
                    .delete(&PENDING, &row.key)
                    .delete(&PENDING_OF_USER, (&row.value.created_by, &row.key));
                swept += 1;
            }
            if !batch.is_empty() {
                self.0.store.commit(batch).await?;
            }
            match rows.last() {
                Some(last) if rows.len() == PAGE => range = PENDING.all().after(&last.key),
                _ => return Ok(swept),
            }
        }
    }
}
