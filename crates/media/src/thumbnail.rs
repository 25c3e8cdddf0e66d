//! Thumbnails ([specification](https://spec.matrix.org/v1.19/client-server-api/#thumbnails)):
//! made when first asked for, then kept.

mod image;
pub(crate) mod size;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use pli_store::{Batch, CommitError, Expect, Position};
use ruma::{
    ServerName,
    http_headers::{ContentDisposition, ContentDispositionType},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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

        // One image needs a core: only so many at a time, the others wait.
        let worker = acquire(&self.0.thumbnail_workers, 1).await;
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
        let outcome = self.make(&file, &variant, worker).await?;
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

    async fn make(
        &self,
        file: &FileRecord,
        variant: &Variant,
        worker: OwnedSemaphorePermit,
    ) -> Result<Outcome, MediaError> {
        let image = self.0.blobs.open_file(&file.blob).await?;
        let max_pixels = self.0.config.max_thumbnail_pixels;
        let (image, pixels) = blocking(move || image::count_pixels(image)).await?;
        if pixels > max_pixels {
            return Err(MediaError::TooLargeToThumbnail);
        }
        // Images that are worked on at the same time have no more pixels together than one may have.
        let megapixels = pixels.min(max_pixels).div_ceil(PIXELS_PER_PERMIT).max(1);
        let memory = u32::try_from(megapixels).unwrap_or(u32::MAX);
        let memory = acquire(&self.0.thumbnail_memory, memory).await;
        let variant = variant.clone();
        blocking(move || {
            // Held until the work is done, even if nobody waits for it any more.
            let _held = (worker, memory);
            image::make(image, &variant, max_pixels)
        })
        .await
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

/// How many pixels each permit of [`Inner::thumbnail_memory`](crate::Inner) stands for.
const PIXELS_PER_PERMIT: u64 = 1_000_000;

/// The permits for all the pixels that are worked on at the same time.
pub(crate) fn memory_permits(max_pixels: u64) -> usize {
    let permits = max_pixels.div_ceil(PIXELS_PER_PERMIT).max(1);
    usize::try_from(permits).unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS)
}

async fn acquire(semaphore: &Arc<Semaphore>, permits: u32) -> OwnedSemaphorePermit {
    Arc::clone(semaphore)
        .acquire_many_owned(permits)
        .await
        .expect("the semaphores are never closed while the service is there")
}

/// Runs something that blocks. If it panics, the image is at fault: decoders read what anybody sent.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MediaError> + Send + 'static,
) -> Result<T, MediaError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "an image broke its decoder");
        Err(MediaError::CannotThumbnail)
    })
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
