//! Storing and deleting keys of a backup.

use std::collections::BTreeMap;

use pli_store::{Batch, Direction, Expect, Position, Range, Snapshot};
use ruma::{OwnedRoomId, RoomId, UserId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    BACKUP_KEYS, BACKUP_STATES, BackupState, BackupStatus, KeyBackup, StoredKey,
    versions::{current, no_backup, parse_version, unknown_version},
};
use crate::{AccountsError, keys::check_depth};

/// How many keys are stored or deleted in one batch.
const BATCH: usize = 1_000;
/// How many bytes the `session_data` of one key may have. Usual ones have about 500.
const MAX_SESSION_DATA_BYTES: usize = 65_535;
/// How long a session id may be, in bytes.
const MAX_SESSION_ID_BYTES: usize = 255;

/// Uploaded keys as JSON (`KeyBackupData`) by room and session.
pub type KeyUploads = BTreeMap<OwnedRoomId, BTreeMap<String, Box<RawValue>>>;

/// A key's place in its backup.
type Place<'a> = (&'a RoomId, &'a str);

#[derive(Deserialize)]
struct KeyBackupData<'a> {
    first_message_index: u64,
    forwarded_count: u64,
    is_verified: bool,
    #[serde(borrow)]
    session_data: &'a RawValue,
}

impl KeyBackup {
    /// Stores keys in the current version. A key that is there already is replaced by a better one
    /// only.
    ///
    /// # Errors
    /// `M_WRONG_ROOM_KEYS_VERSION` if the version is not the current one, `M_NOT_FOUND` if there is
    /// no backup at all; when a key is malformed or too large.
    pub async fn put_keys(
        &self,
        user: &UserId,
        version: &str,
        uploads: &KeyUploads,
    ) -> Result<BackupStatus, AccountsError> {
        let keys = parse(uploads)?;
        let mut status = None;
        for part in keys.chunks(BATCH) {
            status = Some(retry_on_conflict!(self.try_put(user, version, part).await)?);
        }
        match status {
            Some(status) => Ok(status),
            None => retry_on_conflict!(self.try_put(user, version, &[]).await),
        }
    }

    async fn try_put(
        &self,
        user: &UserId,
        version: &str,
        keys: &[(Place<'_>, StoredKey)],
    ) -> Result<BackupStatus, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let current = current(&snapshot, user).await?.ok_or_else(no_backup)?;
        // Keys go to the current backup only: a device that doesn't know of a newer one has to look
        // at it first.
        if current.to_string() != version {
            return Err(AccountsError::WrongRoomKeysVersion { current: current.to_string() });
        }
        let (mut state, state_version) = state(&snapshot, user, current).await?;
        let rows: Vec<_> =
            keys.iter().map(|((room, session), _)| (user, current, *room, *session)).collect();
        let stored = snapshot.get_many(&BACKUP_KEYS, rows).await?;
        drop(snapshot);

        let mut batch = Batch::new();
        for (((room, session), key), stored) in keys.iter().zip(stored) {
            let wanted = match stored {
                Some((stored, _)) => key.replaces(&stored),
                None => {
                    state.count += 1;
                    true
                }
            };
            if wanted {
                batch.put(&BACKUP_KEYS, (user, current, *room, *session), key);
            }
        }
        self.commit(user, current, batch, state, state_version).await
    }

    /// Deletes keys of a version: one, those of a room, or all.
    ///
    /// # Errors
    /// `M_NOT_FOUND` if the version doesn't exist.
    pub async fn delete_keys(
        &self,
        user: &UserId,
        version: &str,
        room: Option<&RoomId>,
        session: Option<&str>,
    ) -> Result<BackupStatus, AccountsError> {
        let number = parse_version(version)?;
        loop {
            let (status, complete) =
                retry_on_conflict!(self.try_delete(user, number, room, session).await)?;
            if complete {
                return Ok(status);
            }
        }
    }

    async fn try_delete(
        &self,
        user: &UserId,
        number: u64,
        room: Option<&RoomId>,
        session: Option<&str>,
    ) -> Result<(BackupStatus, bool), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let (mut state, state_version) = state(&snapshot, user, number).await?;
        let range = keys_range(user, number, room, session);
        let rows = snapshot.scan(&BACKUP_KEYS, range, BATCH, Direction::Forward).await?;
        drop(snapshot);
        let complete = rows.len() < BATCH;
        let mut batch = Batch::new();
        state.count = state.count.saturating_sub(rows.len() as u64);
        for row in rows {
            batch.delete(&BACKUP_KEYS, row.key);
        }
        let status = self.commit(user, number, batch, state, state_version).await?;
        Ok((status, complete))
    }

    /// Commits changes of keys with the backup's new state. Nothing changed: the etag stays.
    async fn commit(
        &self,
        user: &UserId,
        number: u64,
        mut batch: Batch,
        state: BackupState,
        state_version: Position,
    ) -> Result<BackupStatus, AccountsError> {
        if batch.is_empty() {
            return Ok(BackupStatus::new(state, state_version));
        }
        batch.require(&BACKUP_STATES, (user, number), Expect::Version(state_version));
        batch.put(&BACKUP_STATES, (user, number), &state);
        let position = self.store.commit(batch).await?;
        Ok(BackupStatus::new(state, position))
    }
}

async fn state(
    snapshot: &Snapshot,
    user: &UserId,
    number: u64,
) -> Result<(BackupState, Position), AccountsError> {
    snapshot.get_versioned(&BACKUP_STATES, (user, number)).await?.ok_or_else(unknown_version)
}

/// The rows of a version, of one of its rooms, or of one session.
pub(super) fn keys_range(
    user: &UserId,
    number: u64,
    room: Option<&RoomId>,
    session: Option<&str>,
) -> Range<(ruma::OwnedUserId, u64, OwnedRoomId, String)> {
    match (room, session) {
        (None, _) => BACKUP_KEYS.prefix((user, number)),
        (Some(room), None) => BACKUP_KEYS.prefix((user, number, room)),
        (Some(room), Some(session)) => {
            let key = (user, number, room, session);
            BACKUP_KEYS.prefix((user, number, room)).from(key).up_to(key)
        }
    }
}

fn parse(uploads: &KeyUploads) -> Result<Vec<(Place<'_>, StoredKey)>, AccountsError> {
    let keys = uploads.iter().flat_map(|(room, sessions)| {
        sessions.iter().map(move |(session, key)| ((&**room, session.as_str()), key))
    });
    keys.map(|(place, key)| Ok((place, parse_key(place.1, key)?))).collect()
}

fn parse_key(session: &str, key: &RawValue) -> Result<StoredKey, AccountsError> {
    if session.is_empty() || session.len() > MAX_SESSION_ID_BYTES {
        return Err(AccountsError::invalid_param("a session id has 1 to 255 bytes"));
    }
    let data: KeyBackupData<'_> = serde_json::from_str(key.get()).map_err(|error| {
        AccountsError::BadJson(format!("key of session `{session}`: {error}").into())
    })?;
    let session_data = data.session_data.get();
    if session_data.len() > MAX_SESSION_DATA_BYTES {
        return Err(AccountsError::TooLarge(
            format!("`session_data` can have at most {MAX_SESSION_DATA_BYTES} bytes").into(),
        ));
    }
    if !session_data.starts_with('{') {
        return Err(AccountsError::BadJson("`session_data` must be a JSON object".into()));
    }
    check_depth(session_data)?;
    Ok(StoredKey {
        first_message_index: data.first_message_index,
        forwarded_count: data.forwarded_count,
        is_verified: data.is_verified,
        session_data: session_data.to_owned(),
    })
}
