use pli_store::{Counter, Keyspace, KeyspaceInfo, Record};
use ruma::{OwnedServerName, OwnedUserId};
use serde::{Deserialize, Serialize};

/// What is known of a file whose content is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The name of the blob with the content.
    pub blob: String,
    /// The content's size in bytes.
    pub size: u64,
    /// The content type as it was uploaded; `None` if it had none or one that makes no sense.
    pub content_type: Option<String>,
    /// The file's name as it was uploaded.
    pub filename: Option<String>,
    /// Who uploaded the file.
    pub uploaded_by: OwnedUserId,
    /// When, in milliseconds since the Unix epoch.
    pub uploaded_at: u64,
}

impl Record for FileRecord {}

/// A file that was announced and waits for its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRecord {
    /// Who announced it and may upload its content.
    pub created_by: OwnedUserId,
    /// Until when, in milliseconds since the Unix epoch.
    pub expires_at: u64,
}

impl Record for PendingRecord {}

/// What serves as a thumbnail of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThumbnailRecord {
    /// The name of the blob with the thumbnail; `None` if the original is small enough itself.
    pub blob: Option<String>,
    /// The thumbnail's content type.
    pub content_type: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Record for ThumbnailRecord {}

/// The files, by their server and media id.
pub(crate) const FILES: Keyspace<(OwnedServerName, String), FileRecord> =
    Keyspace::new("media_file");

/// The files of each user, by when they were uploaded (milliseconds since the Unix epoch) and media
/// id.
pub(crate) const FILES_OF_USER: Keyspace<(OwnedUserId, u64, String), ()> =
    Keyspace::new("media_file_of_user");

/// The thumbnails of files, by their server, media id and variant (`320x240-scale`).
pub(crate) const THUMBNAILS: Keyspace<(OwnedServerName, String, String), ThumbnailRecord> =
    Keyspace::new("media_thumbnail");

/// The announced files, by media id.
pub(crate) const PENDING: Keyspace<String, PendingRecord> = Keyspace::new("media_pending");

/// When the announced files of each user expire.
pub(crate) const PENDING_OF_USER: Keyspace<(OwnedUserId, String), u64> =
    Keyspace::new("media_pending_of_user");

/// The blobs that no file names, being uploaded or being deleted, and since when (milliseconds
/// since the Unix epoch).
pub(crate) const LOOSE_BLOBS: Keyspace<String, u64> = Keyspace::new("media_loose_blob");

/// How many bytes each user's files have together.
pub(crate) const USAGE: Keyspace<OwnedUserId, Counter> = Keyspace::new("media_usage");

/// The keyspaces that this crate owns.
pub const KEYSPACES: &[KeyspaceInfo] = &[
    FILES.info(),
    FILES_OF_USER.info(),
    THUMBNAILS.info(),
    PENDING.info(),
    PENDING_OF_USER.info(),
    LOOSE_BLOBS.info(),
    USAGE.info(),
];
