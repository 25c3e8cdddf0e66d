//! Backup versions: create, read, update, delete.

use pli_store::{Batch, Direction, Expect, Position, Snapshot};
use ruma::UserId;

use super::{
    BACKUP_HEADS, BACKUP_STATES, BACKUP_VERSIONS, BackupHead, BackupState, BackupVersion,
    KeyBackup, stored_json,
};
use crate::{
    AccountsError,
    keys::{RawJson, check_depth},
};

/// How many bytes the `auth_data` of a backup may have. Usual ones have about 400.
const MAX_AUTH_DATA_BYTES: usize = 65_535;
/// How long the name of an algorithm may be, in bytes.
const MAX_ALGORITHM_BYTES: usize = 255;

/// A backup version.
#[derive(Clone, Debug)]
pub struct BackupInfo {
    /// The version, an opaque text for clients.
    pub version: String,
    /// How its keys are encrypted.
    pub algorithm: String,
    /// What clients need to know for it: a JSON object.
    pub auth_data: RawJson,
    /// What it holds.
    pub status: BackupStatus,
}

/// What a backup version holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupStatus {
    /// Changes whenever a key does.
    pub etag: String,
    /// The number of keys.
    pub count: u64,
}

impl BackupStatus {
    pub(super) fn new(state: BackupState, version: Position) -> Self {
        Self { etag: version.to_string(), count: state.count }
    }
}

impl KeyBackup {
    /// Makes a new version, which becomes the current one. Returns it.
    ///
    /// # Errors
    /// When the data is too large or not an object, or the store fails.
    pub async fn create(
        &self,
        user: &UserId,
        algorithm: &str,
        auth_data: &RawJson,
    ) -> Result<String, AccountsError> {
        check(algorithm, auth_data)?;
        retry_on_conflict!(self.try_create(user, algorithm, auth_data).await)
    }

    async fn try_create(
        &self,
        user: &UserId,
        algorithm: &str,
        auth_data: &RawJson,
    ) -> Result<String, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let head = snapshot.get_versioned(&BACKUP_HEADS, user).await?;
        drop(snapshot);
        let number = head.as_ref().map_or(0, |(head, _)| head.last) + 1;
        let row = BackupVersion {
            algorithm: algorithm.to_owned(),
            auth_data: auth_data.get().to_owned(),
        };
        let mut batch = Batch::new();
        batch
            .require(&BACKUP_HEADS, user, Expect::unchanged(head.map(|(_, version)| version)))
            .put(&BACKUP_HEADS, user, &BackupHead { last: number })
            .put(&BACKUP_VERSIONS, (user, number), &row)
            .put(&BACKUP_STATES, (user, number), &BackupState::default());
        self.store.commit(batch).await?;
        Ok(number.to_string())
    }

    /// The current version: the newest that exists.
    ///
    /// # Errors
    /// `M_NOT_FOUND` if there is none.
    pub async fn latest(&self, user: &UserId) -> Result<BackupInfo, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let number = current(&snapshot, user).await?.ok_or_else(no_backup)?;
        info(&snapshot, user, number).await
    }

    /// A version.
    ///
    /// # Errors
    /// `M_NOT_FOUND` if it doesn't exist.
    pub async fn info(&self, user: &UserId, version: &str) -> Result<BackupInfo, AccountsError> {
        let number = parse_version(version)?;
        let snapshot = self.store.snapshot().await?;
        info(&snapshot, user, number).await
    }

    /// Changes the `auth_data` of a version.
    ///
    /// # Errors
    /// `M_NOT_FOUND` if it doesn't exist; `M_INVALID_PARAM` if it has another algorithm or if the
    /// body names another version.
    pub async fn update(
        &self,
        user: &UserId,
        version: &str,
        algorithm: &str,
        auth_data: &RawJson,
        version_in_body: Option<&str>,
    ) -> Result<(), AccountsError> {
        check(algorithm, auth_data)?;
        let number = parse_version(version)?;
        if version_in_body.is_some_and(|in_body| in_body != version) {
            return Err(AccountsError::invalid_param(
                "the version in the body is not the one in the path",
            ));
        }
        let key = (user, number);
        retry_on_conflict!(
            async {
                let snapshot = self.store.snapshot().await?;
                let (mut row, row_version) = snapshot
                    .get_versioned(&BACKUP_VERSIONS, key)
                    .await?
                    .ok_or_else(unknown_version)?;
                drop(snapshot);
                if row.algorithm != algorithm {
                    return Err(AccountsError::invalid_param(
                        "the algorithm of a backup can't change: create a new version",
                    ));
                }
                row.auth_data = auth_data.get().to_owned();
                let mut batch = Batch::new();
                batch.require(&BACKUP_VERSIONS, key, Expect::Version(row_version)).put(
                    &BACKUP_VERSIONS,
                    key,
                    &row,
                );
                self.store.commit(batch).await?;
                Ok(())
            }
            .await
        )
    }
}

/// The number of the current version.
pub(super) async fn current(
    snapshot: &Snapshot,
    user: &UserId,
) -> Result<Option<u64>, AccountsError> {
    let range = BACKUP_VERSIONS.prefix((user,));
    let newest = snapshot.scan(&BACKUP_VERSIONS, range, 1, Direction::Backward).await?;
    Ok(newest.first().map(|row| row.key.1))
}

async fn info(
    snapshot: &Snapshot,
    user: &UserId,
    number: u64,
) -> Result<BackupInfo, AccountsError> {
    let key = (user, number);
    let row = snapshot.get(&BACKUP_VERSIONS, key).await?.ok_or_else(unknown_version)?;
    let (state, version) =
        snapshot.get_versioned(&BACKUP_STATES, key).await?.ok_or_else(unknown_version)?;
    Ok(BackupInfo {
        version: number.to_string(),
        algorithm: row.algorithm,
        auth_data: stored_json(row.auth_data)?,
        status: BackupStatus::new(state, version),
    })
}

fn check(algorithm: &str, auth_data: &RawJson) -> Result<(), AccountsError> {
    if algorithm.is_empty() || algorithm.len() > MAX_ALGORITHM_BYTES {
        return Err(AccountsError::invalid_param("the name of an algorithm has 1 to 255 bytes"));
    }
    if auth_data.get().len() > MAX_AUTH_DATA_BYTES {
        return Err(AccountsError::TooLarge(
            format!("`auth_data` can have at most {MAX_AUTH_DATA_BYTES} bytes").into(),
        ));
    }
    if !auth_data.get().starts_with('{') {
        return Err(AccountsError::BadJson("`auth_data` must be a JSON object".into()));
    }
    check_depth(auth_data.get())
}

/// Versions are numbers in decimal; anything else is one that doesn't exist.
pub(super) fn parse_version(version: &str) -> Result<u64, AccountsError> {
    version
        .parse()
        .ok()
        .filter(|number: &u64| number.to_string() == version)
        .ok_or_else(unknown_version)
}

pub(super) fn unknown_version() -> AccountsError {
    AccountsError::not_found("there is no such backup version")
}

pub(super) fn no_backup() -> AccountsError {
    AccountsError::not_found("there is no key backup")
}
