//! Files that people send each other: blobs, their metadata, thumbnails and limits.
//!
//! The bytes live in an object store (a directory, or an S3 bucket), everything that is known about
//! them in Pli's store. A file exists once its metadata row is committed: an upload that breaks off,
//! or a crash, leaves nothing that anybody can see, and [`Media::sweep`] removes what remains of it.
//!
//! See the [specification](https://spec.matrix.org/v1.19/client-server-api/#content-repository).
#![forbid(unsafe_code)]

mod blobs;
mod config;
mod delete;
mod download;
mod error;
mod list;
mod pending;
pub mod previews;
mod records;
mod serving;
mod sweep;
mod thumbnail;
mod upload;

use std::sync::Arc;

use pli_store::{Store, ambient::Ambient};
use ruma::{OwnedServerName, ServerName};
use tokio::sync::Semaphore;

pub use self::{
    config::MediaConfig,
    download::Download,
    error::MediaError,
    list::UserFile,
    pending::Created,
    records::{FileRecord, KEYSPACES, PendingRecord, ThumbnailRecord},
    serving::{CONTENT_SECURITY_POLICY, content_disposition, is_safe_inline},
    sweep::Swept,
    thumbnail::{ThumbnailRequest, size::Method},
    upload::FileDescription,
};

/// The files of this server. Cheap to clone; all clones are the same service.
#[derive(Clone)]
pub struct Media(Arc<Inner>);

struct Inner {
    server_name: OwnedServerName,
    config: MediaConfig,
    store: Store,
    ambient: Ambient,
    blobs: blobs::Blobs,
    thumbnail_workers: Arc<Semaphore>,
    thumbnail_memory: Arc<Semaphore>,
}

impl Media {
    /// Opens the blob store that the configuration names; creates its directory if need be.
    ///
    /// # Errors
    /// [`MediaError::UnknownUrl`] when the address is not one that Pli knows, [`MediaError::Blobs`]
    /// when the blob store can't be opened.
    pub fn open(
        server_name: OwnedServerName,
        config: MediaConfig,
        store: Store,
        ambient: Ambient,
    ) -> Result<Self, MediaError> {
        let blobs = blobs::Blobs::open(&config.store)?;
        let workers = config.thumbnail_workers.max(1);
        let memory_permits = thumbnail::memory_permits(config.max_thumbnail_pixels);
        Ok(Self(Arc::new(Inner {
            server_name,
            config,
            store,
            ambient,
            blobs,
            thumbnail_workers: Arc::new(Semaphore::new(workers)),
            thumbnail_memory: Arc::new(Semaphore::new(memory_permits)),
        })))
    }

    /// The limits in force.
    #[must_use]
    pub fn config(&self) -> &MediaConfig {
        &self.0.config
    }

    /// Whether a file is one of this server's own.
    #[must_use]
    pub fn is_local(&self, server_name: &ServerName) -> bool {
        server_name == self.0.server_name
    }
}

impl std::fmt::Debug for Media {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Media").field(&self.0.blobs).finish()
    }
}
