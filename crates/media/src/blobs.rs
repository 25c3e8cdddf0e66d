use std::{fs::File, io::Seek, path::PathBuf, pin::pin, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    GetResultPayload, ObjectStore, ObjectStoreExt, PutPayloadMut, WriteMultipart,
    local::LocalFileSystem, memory::InMemory, path::Path,
};
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;

use crate::MediaError;

/// How large the pieces are in which a file goes to the disk.
const DISK_PART_BYTES: usize = 512 * 1024;

/// The smallest pieces that S3 takes.
#[cfg(feature = "s3")]
const S3_PART_BYTES: usize = 5 * 1024 * 1024;

/// How many pieces of one upload are on their way to the blob store at the same time.
const PARTS_UNDER_WAY: usize = 2;

/// In what pieces a file goes to its reader.
const READ_BYTES: usize = 64 * 1024;

/// Named sequences of bytes that are written once. A blob is there whole or not at all.
pub(crate) struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    part_bytes: usize,
    directory: Option<PathBuf>,
}

impl Blobs {
    pub(crate) fn open(url: &str) -> Result<Self, MediaError> {
        if let Some(path) = url.strip_prefix("file:") {
            return Self::open_directory(path.strip_prefix("//").unwrap_or(path), url);
        }
        if url == "memory:" {
            let store = Arc::new(InMemory::new());
            let prefix = Path::default();
            return Ok(Self { store, prefix, part_bytes: DISK_PART_BYTES, directory: None });
        }
        #[cfg(feature = "s3")]
        if url.starts_with("s3://") {
            return Self::open_bucket(url);
        }
        Err(MediaError::UnknownUrl { url: url.to_owned() })
    }

    fn open_directory(path: &str, url: &str) -> Result<Self, MediaError> {
        if path.is_empty() {
            return Err(MediaError::UnknownUrl { url: url.to_owned() });
        }
        create_private_directory(path)?;
        let directory = std::fs::canonicalize(path)?;
        // An upload that was acknowledged survives a loss of power.
        let store = LocalFileSystem::new_with_prefix(&directory)?.with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            prefix: Path::default(),
            part_bytes: DISK_PART_BYTES,
            directory: Some(directory),
        })
    }

    #[cfg(feature = "s3")]
    fn open_bucket(url: &str) -> Result<Self, MediaError> {
        let parsed =
            url::Url::parse(url).map_err(|_| MediaError::UnknownUrl { url: url.to_owned() })?;
        let prefix = Path::from_url_path(parsed.path()).map_err(object_store::Error::from)?;
        let store = object_store::aws::AmazonS3Builder::from_env().with_url(url).build()?;
        Ok(Self { store: Arc::new(store), prefix, part_bytes: S3_PART_BYTES, directory: None })
    }

    /// Two levels of directories, so that none of them grows too large for the file system.
    fn path(&self, blob: &str) -> Path {
        let first = blob.get(..2).unwrap_or("_");
        let second = blob.get(2..4).unwrap_or("_");
        self.prefix.clone().join(first).join(second).join(blob)
    }

    /// Writes a blob as it comes and returns its size. On an error nothing of it remains.
    pub(crate) async fn write<S, E>(
        &self,
        blob: &str,
        body: S,
        limit: u64,
    ) -> Result<u64, MediaError>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: std::fmt::Display,
    {
        let mut body = pin!(body);
        let mut size = 0;
        let mut first_part = PutPayloadMut::new();
        while first_part.content_length() < self.part_bytes {
            match next_chunk(&mut body, &mut size, limit).await? {
                Some(chunk) => first_part.push(chunk),
                None => {
                    self.store.put(&self.path(blob), first_part.into()).await?;
                    return Ok(size);
                }
            }
        }

        let upload = self.store.put_multipart(&self.path(blob)).await?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, self.part_bytes);
        for chunk in first_part.freeze() {
            writer.put(chunk);
        }
        loop {
            let chunk = match writer.wait_for_capacity(PARTS_UNDER_WAY).await {
                Ok(()) => next_chunk(&mut body, &mut size, limit).await,
                Err(error) => Err(error.into()),
            };
            match chunk {
                Ok(Some(chunk)) => writer.put(chunk),
                Ok(None) => break,
                Err(error) => {
                    if let Err(source) = writer.abort().await {
                        tracing::warn!(%source, blob, "an upload could not be aborted");
                    }
                    return Err(error);
                }
            }
        }
        writer.finish().await?;
        Ok(size)
    }

    /// The size and the bytes of a blob.
    pub(crate) async fn read(
        &self,
        blob: &str,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes, MediaError>>), MediaError> {
        let found = self.get(blob).await?;
        let size = found.meta.size;
        let body = match found.payload {
            GetResultPayload::File(file, _) => {
                let file = tokio::fs::File::from_std(file);
                ReaderStream::with_capacity(file, READ_BYTES).map_err(MediaError::from).boxed()
            }
            GetResultPayload::Stream(stream) => stream.map_err(MediaError::from).boxed(),
        };
        Ok((size, body))
    }

    /// A blob as a file to read from anywhere in it. What isn't on this machine's disk is copied to
    /// a temporary file.
    pub(crate) async fn open_file(&self, blob: &str) -> Result<File, MediaError> {
        let mut stream = match self.get(blob).await?.payload {
            GetResultPayload::File(file, _) => return Ok(file),
            GetResultPayload::Stream(stream) => stream,
        };
        let mut copy = tokio::fs::File::from_std(tempfile::tempfile()?);
        while let Some(chunk) = stream.try_next().await? {
            copy.write_all(&chunk).await?;
        }
        copy.flush().await?;
        let mut copy = copy.into_std().await;
        copy.rewind()?;
        Ok(copy)
    }

    async fn get(&self, blob: &str) -> Result<object_store::GetResult, MediaError> {
        self.store.get(&self.path(blob)).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => {
                MediaError::BlobMissing { blob: blob.to_owned() }
            }
            other => other.into(),
        })
    }

    /// Deletes a blob and what an interrupted upload left of it. It need not be there.
    pub(crate) async fn delete(&self, blob: &str) -> Result<(), MediaError> {
        match self.store.delete(&self.path(blob)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some(directory) = &self.directory {
            // A process that died while it wrote a file left it under this name.
            let staged = directory.join(format!("{}#1", self.path(blob)));
            match tokio::fs::remove_file(staged).await {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The next piece of an upload. Counts what came and stops as soon as it is too much.
async fn next_chunk<S, E>(
    body: &mut std::pin::Pin<&mut S>,
    size: &mut u64,
    limit: u64,
) -> Result<Option<Bytes>, MediaError>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: std::fmt::Display,
{
    let Some(chunk) = body.next().await else { return Ok(None) };
    let chunk = chunk.map_err(|error| MediaError::BodyBroken(error.to_string()))?;
    *size += chunk.len() as u64;
    if *size > limit {
        return Err(MediaError::TooLarge { limit });
    }
    Ok(Some(chunk))
}

fn create_private_directory(path: &str) -> Result<(), MediaError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    Ok(builder.create(path)?)
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.store, self.prefix)
    }
}
