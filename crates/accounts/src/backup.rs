//! Server-side key backups (client-server API, section "Server-side key backups"): the keys of
//! people's conversations, encrypted for themselves.
//!
//! A user has any number of backup versions, of which the newest is the current one. What a backup
//! holds can be a hundred thousand keys, so nothing here walks over all of them but reading or
//! deleting them all, and that in pages.

mod merge;
mod purge;
mod read;
mod sessions;
#[cfg(test)]
mod tests;
mod versions;

use pli_store::{Keyspace, KeyspaceInfo, Record, Store};
use ruma::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

pub use self::{
    purge::forget_user,
    read::{BackedUpKey, PAGE},
    sessions::KeyUploads,
    versions::{BackupInfo, BackupStatus},
};
use crate::keys::RawJson;

/// How many versions each user ever made.
const BACKUP_HEADS: Keyspace<OwnedUserId, BackupHead> = Keyspace::new("backup_heads");

/// The versions that exist.
const BACKUP_VERSIONS: Keyspace<(OwnedUserId, u64), BackupVersion> =
    Keyspace::new("backup_versions");

/// What is in each version. Rewritten with every change of its keys: the row's version is the
/// backup's etag, and makes changes happen one after the other.
const BACKUP_STATES: Keyspace<(OwnedUserId, u64), BackupState> = Keyspace::new("backup_states");

/// The keys: user, version, room, Megolm session.
const BACKUP_KEYS: Keyspace<(OwnedUserId, u64, OwnedRoomId, String), StoredKey> =
    Keyspace::new("backup_keys");

/// Versions that are deleted but whose keys aren't all gone yet.
const BACKUP_PURGES: Keyspace<(OwnedUserId, u64), ()> = Keyspace::new("backup_purges");

/// What this module keeps, for `pli store inspect`.
pub const KEYSPACES: &[KeyspaceInfo] = &[
    BACKUP_HEADS.info(),
    BACKUP_VERSIONS.info(),
    BACKUP_STATES.info(),
    BACKUP_KEYS.info(),
    BACKUP_PURGES.info(),
];

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct BackupHead {
    /// The number of the newest version, deleted or not.
    last: u64,
}

impl Record for BackupHead {}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct BackupVersion {
    algorithm: String,
    /// A JSON object.
    auth_data: String,
}

impl Record for BackupVersion {}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct BackupState {
    /// How many keys there are.
    count: u64,
}

impl Record for BackupState {}

/// A key in a backup: what decides which of two is better, and the encrypted rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredKey {
    first_message_index: u64,
    forwarded_count: u64,
    is_verified: bool,
    /// A JSON object.
    session_data: String,
}

impl Record for StoredKey {}

/// The key backups of users.
#[derive(Clone)]
pub struct KeyBackup {
    store: Store,
}

impl KeyBackup {
    /// The service over a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

/// A JSON text out of the store.
fn stored_json(text: String) -> Result<RawJson, pli_store::StoreError> {
    RawJson::parse(text)
        .map_err(|error| pli_store::StoreError::Corrupt(format!("a key backup: {error}")))
}
