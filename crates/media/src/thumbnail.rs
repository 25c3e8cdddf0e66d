//! Thumbnails ([specification](https://spec.matrix.org/v1.19/client-server-api/#thumbnails)):
//! made when first asked for, then kept.

mod image;
pub(crate) mod size;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use pli_store::{Batch, CommitError, Expect, Position};
use ruma::{
    ServerName,
    http_headers::{ContentDisposition, ContentDispositionType},
};

use self::{
    image::{Made, Outcome},
    size::{MAX_REQUEST, Method, Variant},
};
use crate::{
    Download, Media, MediaError,
    records::{FILES, FileRecord, LOOSE_BLOBS, THUMBNAILS, ThumbnailRecord},
};

/// What thumbnail a client would like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThumbnailRequest {
    /// The width in pixels that it should have at least.
    pub width: u32,
    /// The height in pixels that it should have at least.
    pub height: u32,
    /// Whether it keeps the image's aspect ratio or takes that of `width` and `height`.
    pub method: Method,
    /// Whether it may be animated. A small animated original is served as it is then.
    pub animated: bool,
}

impl Media {
    /// A thumbnail of an image; the image itself where it is small enough.
    ///
    /// # Errors
    /// As [`Media::download`]; besides, [`MediaError::ThumbnailSize`],
    /// [`MediaError::CannotThumbnail`] and [`MediaError::TooLargeToThumbnail`].
    pub async fn thumbnail(
        &self,
        server_name: &ServerName,
        media_id: &str,
        request: ThumbnailRequest,
        timeout: Duration,
    ) -> Result<Download, MediaError> {
        if !(1..=MAX_REQUEST).contains(&request.width)
            || !(1..=MAX_REQUEST).contains(&request.height)
        {
            return Err(MediaError::ThumbnailSize { limit: MAX_REQUEST });
        }
        let variant = Variant::for_request(request);
        if let Some(kept) = self.kept_thumbnail(server_name, media_id, &variant).await? {
            return Ok(kept);
        }
        self.find(server_name, media_id, timeout).await?;

        // One image needs much memory and a core: only so many at a time, the others wait.
        let _permit = self.0.thumbnail_workers.acquire().await.map_err(|_| MediaError::NotFound)?;
        // Another request may have made it meanwhile.
        if let Some(kept) = self.kept_thumbnail(server_name, media_id, &variant).await? {
            return Ok(kept);
        }
        let snapshot = self.0.store.snapshot().await?;
        let (file, version) = snapshot
            .get_versioned(&FILES, (server_name, media_id))
            .await?
            .ok_or(MediaError::NotFound)?;
        drop(snapshot);
        let outcome = self.make(&file, &variant).await?;
        self.keep(server_name, media_id, &variant, &file, version, outcome).await
    }

    async fn kept_thumbnail(
        &self,
        server_name: &ServerName,
        media_id: &str,
        variant: &Variant,
    ) -> Result<Option<Download>, MediaError> {
        let snapshot = self.0.store.snapshot().await?;
        let key = (server_name, media_id, variant.key());
        let Some(thumbnail) = snapshot.get(&THUMBNAILS, key).await? else { return Ok(None) };
        let blob = match thumbnail.blob {
            Some(blob) => blob,
            None => match snapshot.get(&FILES, (server_name, media_id)).await? {
                Some(file) => file.blob,
                None => return Ok(None),
            },
        };
        drop(snapshot);
        let (content_length, body) = self.0.blobs.read(&blob).await?;
        let content_disposition = thumbnail_disposition(&thumbnail.content_type);
        let content_type = thumbnail.content_type;
        Ok(Some(Download { content_type, content_disposition, content_length, body }))
    }

    async fn make(&self, file: &FileRecord, variant: &Variant) -> Result<Outcome, MediaError> {
        let image = self.0.blobs.open_file(&file.blob).await?;
        let max_pixels = self.0.config.max_thumbnail_pixels;
        let variant = variant.clone();
        tokio::task::spawn_blocking(move || image::make(image, &variant, max_pixels))
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "an image broke its decoder");
                Err(MediaError::CannotThumbnail)
            })
    }

    /// Keeps what was made, unless the file was deleted meanwhile, and serves it.
    async fn keep(
        &self,
        server_name: &ServerName,
        media_id: &str,
        variant: &Variant,
        file: &FileRecord,
        file_version: Position,
        outcome: Outcome,
    ) -> Result<Download, MediaError> {
        let key = (server_name, media_id, variant.key());
        let mut batch = Batch::new();
        batch.require(&FILES, (server_name, media_id), Expect::Version(file_version));
        let Made { bytes, content_type } = match outcome {
            Outcome::Made(made) => made,
            Outcome::Original { content_type } => {
                let record = ThumbnailRecord {
                    blob: None,
                    content_type: content_type.to_owned(),
                    size: file.size,
                };
                batch.put(&THUMBNAILS, key, &record);
                self.0.store.commit(batch).await?;
                let (content_length, body) = self.0.blobs.read(&file.blob).await?;
                return Ok(Download {
                    content_type: content_type.to_owned(),
                    content_disposition: thumbnail_disposition(content_type),
                    content_length,
                    body,
                });
            }
        };

        let (blob, blob_version) = self.note_loose_blob().await?;
        let body = stream::iter([Ok::<_, std::convert::Infallible>(bytes.clone())]);
        if let Err(error) = self.0.blobs.write(&blob, body, u64::MAX).await {
            self.discard_blob(&blob).await;
            return Err(error);
        }
        let record = ThumbnailRecord {
            blob: Some(blob.clone()),
            content_type: content_type.to_owned(),
            size: bytes.len() as u64,
        };
        batch
            .require(&THUMBNAILS, &key, Expect::Absent)
            .require(&LOOSE_BLOBS, &blob, Expect::Version(blob_version))
            .delete(&LOOSE_BLOBS, &blob)
            .put(&THUMBNAILS, &key, &record);
        if let Err(error) = self.0.store.commit(batch).await {
            self.discard_blob(&blob).await;
            match error {
                // Another node made the same one: this one is as good.
                CommitError::Conflict(conflict) if conflict.keyspace == THUMBNAILS.name() => {}
                error => return Err(error.into()),
            }
        }
        Ok(Download {
            content_type: content_type.to_owned(),
            content_disposition: thumbnail_disposition(content_type),
            content_length: bytes.len() as u64,
            body: in_memory(bytes),
        })
    }
}

fn in_memory(bytes: Bytes) -> stream::BoxStream<'static, Result<Bytes, MediaError>> {
    stream::iter([Ok(bytes)]).boxed()
}

fn thumbnail_disposition(content_type: &str) -> ContentDisposition {
    // Thumbnails are always inline; their types are among the safe ones.
    let extension = content_type.strip_prefix("image/").unwrap_or("bin");
    ContentDisposition::new(ContentDispositionType::Inline)
        .with_filename(Some(format!("thumbnail.{extension}")))
}
