use pli_store::{Batch, CommitError, Direction, Expect};
use ruma::ServerName;

use crate::{
    Media, MediaError,
    records::{FILES, FILES_OF_USER, LOOSE_BLOBS, THUMBNAILS, USAGE},
};

/// More thumbnails than a file can have, see [`crate::thumbnail::size`].
const ALL_THUMBNAILS: usize = 1000;

impl Media {
    /// Deletes a file with its thumbnails. Its uploader gets the room back.
    ///
    /// # Errors
    /// [`MediaError::NotFound`] when there is no such file, or the store failed. A blob that can't
    /// be deleted at once is deleted by the sweeper.
    pub async fn delete(&self, server_name: &ServerName, media_id: &str) -> Result<(), MediaError> {
        let now = self.0.ambient.now_ms();
        loop {
            let snapshot = self.0.store.snapshot().await?;
            let key = (server_name, media_id);
            let (file, version) =
                snapshot.get_versioned(&FILES, key).await?.ok_or(MediaError::NotFound)?;
            let thumbnails = snapshot
                .scan(&THUMBNAILS, THUMBNAILS.prefix(key), ALL_THUMBNAILS, Direction::Forward)
                .await?;
            drop(snapshot);

            let mut batch = Batch::new();
            batch
                .require(&FILES, key, Expect::Version(version))
                .delete(&FILES, key)
                .delete(&FILES_OF_USER, (&file.uploaded_by, file.uploaded_at, media_id))
                .put(&LOOSE_BLOBS, &file.blob, &now)
                .add(&USAGE, &file.uploaded_by, -i64::try_from(file.size).unwrap_or(i64::MAX));
            let mut blobs = vec![file.blob];
            for row in thumbnails {
                batch.delete(&THUMBNAILS, row.key);
                if let Some(blob) = row.value.blob {
                    batch.put(&LOOSE_BLOBS, &blob, &now);
                    blobs.push(blob);
                }
            }
            match self.0.store.commit(batch).await {
                Ok(_) => {}
                // A thumbnail was added meanwhile.
                Err(CommitError::Conflict(_)) => continue,
                Err(error) => return Err(error.into()),
            }
            for blob in blobs {
                self.discard_blob(&blob).await;
            }
            return Ok(());
        }
    }
}
