use crate::Position;

/// Why a store could not be opened, read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The store's address is not one that Pli knows.
    #[error("unknown store `{url}`: use sqlite:PATH, postgres://… or memory:")]
    UnknownUrl {
        /// The address as configured.
        url: String,
    },
    /// The disk is full: nothing of the batch was written; it can be sent again once there is room.
    #[error("no space left for the store: free some disk space, nothing was half-written")]
    Full,
    /// The engine failed (I/O, connection). The batch was not written, or not acknowledged.
    #[error("the store failed: {0}")]
    Engine(String),
    /// The stored bytes do not hold together.
    #[error("the store is damaged: {0}; restore a backup, or run `pli store check`")]
    Corrupt(String),
    /// The store was written by a newer version of Pli.
    #[error("the store has format {found}, this version of Pli knows up to {known}: upgrade Pli")]
    TooNew {
        /// The format found.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// Another process has the store open for writing.
    #[error("the store {path} is in use by another process{holder}: stop it first")]
    InUse {
        /// The store's file.
        path: String,
        /// The other process's id as ` (12345)`, or nothing if it is unknown.
        holder: String,
    },
    /// More batches wait to be committed than the store is willing to hold in memory.
    #[error("the store can't keep up: the batch was not written, send it again in a moment")]
    Overloaded,
    /// A row could not be decoded.
    #[error("row of `{keyspace}`: {source}")]
    Codec {
        /// The keyspace of the row.
        keyspace: &'static str,
        /// What is wrong with its bytes.
        source: CodecError,
    },
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// Why bytes could not be turned into a key or a value, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The key's bytes end too early or have too many.
    #[error("key has the wrong length")]
    KeyLength,
    /// The key's bytes are not of the expected form.
    #[error("key is malformed: {0}")]
    Key(String),
    /// The value's bytes are not of the expected form.
    #[error("value is malformed: {0}")]
    Value(String),
    /// The value was written in a format that this version doesn't read.
    #[error("value has unknown format version {0}")]
    Version(u8),
}

/// A precondition of a batch did not hold; nothing of the batch was written.
///
/// Read a fresh snapshot, decide again and commit again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of `{keyspace}` is not as the batch required")]
pub struct Conflict {
    /// The keyspace of the row whose precondition failed.
    pub keyspace: &'static str,
    /// The encoded key of that row.
    pub key: Vec<u8>,
    /// The row's version now; `None` if it is absent.
    pub found: Option<Position>,
}

/// Why a batch was not committed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// A precondition did not hold.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommitError {
    /// Whether a precondition did not hold.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}
