use std::time::Duration;

use pli_store::{Batch, Direction};
use ruma::{OwnedMxcUri, UserId};

use crate::{
    Media, MediaError,
    records::{PENDING, PENDING_OF_USER, PendingRecord},
};

/// An address for a file whose content will follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The file's address.
    pub content_uri: OwnedMxcUri,
    /// Until when its content must come, in milliseconds since the Unix epoch.
    pub unused_expires_at: u64,
}

impl Media {
    /// Announces a file: it gets its address now and its content with
    /// [`Media::upload_announced`].
    ///
    /// # Errors
    /// [`MediaError::TooManyPending`] when the user has too many announced files.
    pub async fn create(&self, user_id: &UserId) -> Result<Created, MediaError> {
        let now = self.0.ambient.now_ms();
        self.check_pending(user_id, now).await?;

        let lifetime = u64::try_from(self.0.config.pending_lifetime.as_millis());
        let expires_at = now.saturating_add(lifetime.unwrap_or(u64::MAX));
        let media_id = self.new_media_id();
        let pending = PendingRecord { created_by: user_id.to_owned(), expires_at };
        let mut batch = Batch::new();
        batch.put(&PENDING, &media_id, &pending).put(
            &PENDING_OF_USER,
            (user_id, &media_id),
            &expires_at,
        );
        self.0.store.commit(batch).await?;
        Ok(Created { content_uri: self.mxc_uri(&media_id), unused_expires_at: expires_at })
    }

    async fn check_pending(&self, user_id: &UserId, now: u64) -> Result<(), MediaError> {
        // Expired announcements stay until the next sweep, so a few more rows than the limit are
        // read; a user who has even more of them must wait for it.
        let limit = self.0.config.max_pending;
        let snapshot = self.0.store.snapshot().await?;
        let rows = snapshot
            .scan(
                &PENDING_OF_USER,
                PENDING_OF_USER.prefix((user_id,)),
                limit.saturating_mul(2),
                Direction::Forward,
            )
            .await?;
        let live = rows.iter().map(|row| row.value).filter(|&expires_at| expires_at > now);
        if live.clone().count() < limit && rows.len() < limit.saturating_mul(2) {
            return Ok(());
        }
        let first_expiry = live.min().unwrap_or(now);
        Err(MediaError::TooManyPending {
            limit,
            retry_after: Duration::from_millis(first_expiry.saturating_sub(now)),
        })
    }
}
