use std::{io, time::Duration};

use pli_store::{CommitError, StoreError};

/// Why a file could not be taken in, found or shown.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// There is no such file, or none that this server has.
    #[error("there is no such file")]
    NotFound,
    /// The file was announced, its content did not come in the time that the reader would wait.
    #[error("the file's content has not been uploaded yet: try again later")]
    NotYetUploaded,
    /// The file is larger than the server takes.
    #[error("files may have at most {limit} bytes: make it smaller")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The user's files take up all the room that they have.
    #[error(
        "your files would take more than the {quota} bytes that you may keep here: ask your administrator for more room"
    )]
    QuotaExceeded {
        /// The user's quota in bytes.
        quota: u64,
    },
    /// The user announced too many files without uploading their content.
    #[error("{limit} announced files still wait for their content: upload some of them first")]
    TooManyPending {
        /// How many there may be.
        limit: usize,
        /// When the first of them expires.
        retry_after: Duration,
    },
    /// The file was announced by somebody else.
    #[error("this file was announced by another user: create your own")]
    Forbidden,
    /// The file already has its content.
    #[error("this file already has its content: create a new one")]
    AlreadyUploaded,
    /// The file name is too long to be sent back.
    #[error("file names may have at most {limit} bytes: shorten it")]
    FilenameTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A thumbnail of no size was asked for.
    #[error("a thumbnail's width and height must be from 1 to {limit}")]
    ThumbnailSize {
        /// The greatest width and height that make sense to ask for.
        limit: u32,
    },
    /// The file is no image that thumbnails can be made of.
    #[error("thumbnails can be made of JPEG, PNG, GIF and WebP images only")]
    CannotThumbnail,
    /// The image has too many pixels.
    #[error("the image is too large to make a thumbnail of")]
    TooLargeToThumbnail,
    /// The upload broke off: nothing was kept.
    #[error("the upload broke off ({0}): try again")]
    BodyBroken(String),
    /// The upload took longer than the server waits: nothing was kept.
    #[error("the upload took too long: try again")]
    Expired,
    /// The disk is full: nothing was kept.
    #[error("no space left for files: free some disk space, nothing was half-written")]
    Full,
    /// The blob store failed.
    #[error("the blob store failed: {0}")]
    Blobs(#[source] object_store::Error),
    /// A file's metadata is there, its bytes are not.
    #[error("blob `{blob}` is missing: restore the blob store from a backup")]
    BlobMissing {
        /// The blob's name.
        blob: String,
    },
    /// Reading or writing a file failed.
    #[error("reading a file failed: {0}")]
    Io(#[source] io::Error),
    /// The blob store's address is not one that Pli knows.
    #[error("unknown media store `{url}`: use file:PATH or s3://BUCKET/PREFIX")]
    UnknownUrl {
        /// The address as configured.
        url: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CommitError> for MediaError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => Self::Store(error),
            // The rows that uploads require are looked at where they are; what is left is a file
            // that changed while it was being read.
            CommitError::Conflict(_) => Self::NotFound,
        }
    }
}

impl From<object_store::Error> for MediaError {
    fn from(error: object_store::Error) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(current) = cause {
            if current.downcast_ref::<io::Error>().is_some_and(is_full) {
                return Self::Full;
            }
            cause = current.source();
        }
        Self::Blobs(error)
    }
}

impl From<io::Error> for MediaError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) { Self::Full } else { Self::Io(error) }
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
