use bytes::Bytes;
use futures_util::Stream;
use pli_store::{Batch, CommitError, Counter, Expect, Position, Touch};
use ruma::{OwnedMxcUri, OwnedUserId, ServerName, UserId};

use crate::{
    Media, MediaError,
    records::{
        FILES, FILES_OF_USER, FileRecord, LOOSE_BLOBS, PENDING, PENDING_OF_USER, PendingRecord,
        USAGE,
    },
};

/// How many letters and digits a media id has: 142 bits that nobody guesses.
const MEDIA_ID_LENGTH: usize = 24;

/// How many bytes a file name may have.
const MAX_FILENAME_BYTES: usize = 1024;

/// How many bytes a content type may have.
const MAX_CONTENT_TYPE_BYTES: usize = 255;

/// What an uploader says about a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileDescription {
    /// The `Content-Type`.
    pub content_type: Option<String>,
    /// The file's name.
    pub filename: Option<String>,
    /// The `Content-Length`, to refuse early what is too large.
    pub content_length: Option<u64>,
}

/// A blob that is written and that no file names yet.
struct LooseBlob {
    name: String,
    size: u64,
    /// The version of its row among the loose blobs.
    version: Position,
}

impl Media {
    /// Takes in a file as it comes, without ever holding it in memory, and returns its address.
    ///
    /// # Errors
    /// [`MediaError::TooLarge`], [`MediaError::QuotaExceeded`], [`MediaError::FilenameTooLong`],
    /// [`MediaError::BodyBroken`], [`MediaError::Full`], or the stores failed. Nothing of the file
    /// is kept then.
    pub async fn upload<S, E>(
        &self,
        user_id: &UserId,
        description: FileDescription,
        body: S,
    ) -> Result<OwnedMxcUri, MediaError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: std::fmt::Display,
    {
        self.check_description(user_id, &description).await?;
        let media_id = self.new_media_id();
        let blob = self.write_loose_blob(body).await?;
        self.commit_file(user_id, &media_id, description, blob, None).await?;
        Ok(self.mxc_uri(&media_id))
    }

    /// Takes in the content of a file that its user announced with [`Media::create`].
    ///
    /// # Errors
    /// As [`Media::upload`]; besides, [`MediaError::NotFound`] when the file was not announced or
    /// has expired, [`MediaError::Forbidden`] when somebody else announced it,
    /// [`MediaError::AlreadyUploaded`] when it has its content.
    pub async fn upload_announced<S, E>(
        &self,
        user_id: &UserId,
        server_name: &ServerName,
        media_id: &str,
        description: FileDescription,
        body: S,
    ) -> Result<(), MediaError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: std::fmt::Display,
    {
        let announced = self.announced(user_id, server_name, media_id).await?;
        self.check_description(user_id, &description).await?;
        let blob = self.write_loose_blob(body).await?;
        self.commit_file(user_id, media_id, description, blob, Some(announced)).await
    }

    pub(crate) fn new_media_id(&self) -> String {
        self.0.ambient.random_string(MEDIA_ID_LENGTH)
    }

    pub(crate) fn mxc_uri(&self, media_id: &str) -> OwnedMxcUri {
        format!("mxc://{}/{media_id}", self.0.server_name).into()
    }

    /// The version of the row of an announced file that this user may upload the content of.
    async fn announced(
        &self,
        user_id: &UserId,
        server_name: &ServerName,
        media_id: &str,
    ) -> Result<Position, MediaError> {
        if !self.is_local(server_name) {
            return Err(MediaError::NotFound);
        }
        let snapshot = self.0.store.snapshot().await?;
        let Some((pending, version)) = snapshot.get_versioned(&PENDING, media_id).await? else {
            let file = snapshot.get(&FILES, (server_name, media_id)).await?;
            return Err(if file.is_some() {
                MediaError::AlreadyUploaded
            } else {
                MediaError::NotFound
            });
        };
        let PendingRecord { created_by, expires_at } = pending;
        // Only who created the address may give it its content.
        if created_by != user_id {
            return Err(MediaError::Forbidden);
        }
        if expires_at <= self.0.ambient.now_ms() {
            return Err(MediaError::NotFound);
        }
        Ok(version)
    }

    /// Refuses what can be refused before a byte of the file has come.
    async fn check_description(
        &self,
        user_id: &UserId,
        description: &FileDescription,
    ) -> Result<(), MediaError> {
        let config = &self.0.config;
        let announced_size = description.content_length.unwrap_or(0);
        if announced_size > config.max_upload {
            return Err(MediaError::TooLarge { limit: config.max_upload });
        }
        if description.filename.as_ref().is_some_and(|name| name.len() > MAX_FILENAME_BYTES) {
            return Err(MediaError::FilenameTooLong { limit: MAX_FILENAME_BYTES });
        }
        if config.quota_per_user.is_some() {
            let snapshot = self.0.store.snapshot().await?;
            let used = snapshot.get(&USAGE, user_id).await?.unwrap_or_default();
            self.check_quota(used, announced_size)?;
        }
        Ok(())
    }

    fn check_quota(&self, used: Counter, size: u64) -> Result<(), MediaError> {
        let Some(quota) = self.0.config.quota_per_user else { return Ok(()) };
        let used = u64::try_from(used.0).unwrap_or(0);
        if used.saturating_add(size) > quota {
            return Err(MediaError::QuotaExceeded { quota });
        }
        Ok(())
    }

    /// Notes the blob as loose, then writes it: whatever happens, the sweeper knows of it.
    async fn write_loose_blob<S, E>(&self, body: S) -> Result<LooseBlob, MediaError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: std::fmt::Display,
    {
        let (name, version) = self.note_loose_blob().await?;
        match self.0.blobs.write(&name, body, self.0.config.max_upload).await {
            Ok(size) => Ok(LooseBlob { name, size, version }),
            Err(error) => {
                self.discard_blob(&name).await;
                Err(error)
            }
        }
    }

    /// A new blob's name, and the version of its row among the loose blobs.
    pub(crate) async fn note_loose_blob(&self) -> Result<(String, Position), MediaError> {
        let random: [u8; 16] = self.0.ambient.random_bytes();
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut batch = Batch::new();
        batch.put(&LOOSE_BLOBS, &name, &self.0.ambient.now_ms());
        let version = self.0.store.commit(batch).await?;
        Ok((name, version))
    }

    /// Gives the file its content: from here on it can be seen.
    async fn commit_file(
        &self,
        user_id: &UserId,
        media_id: &str,
        description: FileDescription,
        blob: LooseBlob,
        announced: Option<Position>,
    ) -> Result<(), MediaError> {
        let file = FileRecord {
            blob: blob.name.clone(),
            size: blob.size,
            content_type: description.content_type.filter(|value| is_content_type(value)),
            filename: description.filename.filter(|name| !name.is_empty()),
            uploaded_by: user_id.to_owned(),
            uploaded_at: self.0.ambient.now_ms(),
        };
        let committed = self.try_commit_file(&file, media_id, blob.version, announced).await;
        if committed.is_err() {
            self.discard_blob(&blob.name).await;
        }
        committed
    }

    async fn try_commit_file(
        &self,
        file: &FileRecord,
        media_id: &str,
        blob_version: Position,
        announced: Option<Position>,
    ) -> Result<(), MediaError> {
        let user_id: &OwnedUserId = &file.uploaded_by;
        let key = (&*self.0.server_name, media_id);
        loop {
            let snapshot = self.0.store.snapshot().await?;
            let usage = snapshot.get_versioned(&USAGE, user_id).await?;
            let (used, usage_version) =
                usage.map_or((Counter(0), None), |(used, version)| (used, Some(version)));
            drop(snapshot);
            self.check_quota(used, file.size)?;

            let mut batch = Batch::new();
            batch
                .require(&USAGE, user_id, Expect::unchanged(usage_version))
                .require(&LOOSE_BLOBS, &file.blob, Expect::Version(blob_version))
                .require(&FILES, key, Expect::Absent)
                .put(&FILES, key, file)
                .put(&FILES_OF_USER, (user_id, file.uploaded_at, media_id), &())
                .delete(&LOOSE_BLOBS, &file.blob)
                .add(&USAGE, user_id, i64::try_from(file.size).unwrap_or(i64::MAX));
            if let Some(version) = announced {
                batch
                    .require(&PENDING, media_id, Expect::Version(version))
                    .delete(&PENDING, media_id)
                    .delete(&PENDING_OF_USER, (user_id, media_id))
                    // Whoever waits for the content looks again when its uploader is touched.
                    .touch(Touch::User(user_id.clone()));
            }
            match self.0.store.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Store(error)) => return Err(error.into()),
                // Another upload of the same user finished at the same moment: count again.
                Err(CommitError::Conflict(conflict)) if conflict.keyspace == USAGE.name() => {}
                Err(CommitError::Conflict(conflict)) if conflict.keyspace == LOOSE_BLOBS.name() => {
                    return Err(MediaError::Expired);
                }
                Err(CommitError::Conflict(_)) => return Err(MediaError::AlreadyUploaded),
            }
        }
    }

    /// Deletes a blob that no file names. If that fails, the sweeper tries again.
    pub(crate) async fn discard_blob(&self, blob: &str) {
        if let Err(error) = self.delete_loose_blob(blob).await {
            tracing::warn!(%error, blob, "a blob could not be deleted, it will be tried again");
        }
    }

    pub(crate) async fn delete_loose_blob(&self, blob: &str) -> Result<(), MediaError> {
        self.0.blobs.delete(blob).await?;
        let mut batch = Batch::new();
        batch.delete(&LOOSE_BLOBS, blob);
        self.0.store.commit(batch).await?;
        Ok(())
    }
}

fn is_content_type(value: &str) -> bool {
    value.len() <= MAX_CONTENT_TYPE_BYTES && value.parse::<mime::Mime>().is_ok()
}
