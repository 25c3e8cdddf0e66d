//! Reading keys of a backup, in pages.

use pli_store::{Direction, Row};
use ruma::{OwnedRoomId, RoomId, UserId};

use super::{
    BACKUP_KEYS, BACKUP_VERSIONS, KeyBackup, StoredKey,
    sessions::keys_range,
    versions::{parse_version, unknown_version},
};
use crate::{AccountsError, keys::RawJson};

/// How many keys a page has at most.
pub const PAGE: usize = 500;

/// A key in a backup.
#[derive(Clone, Debug)]
pub struct BackedUpKey {
    /// The room that the key is for.
    pub room_id: OwnedRoomId,
    /// The Megolm session that the key is for.
    pub session_id: String,
    key: StoredKey,
}

impl BackedUpKey {
    /// Appends the key as JSON (`KeyBackupData`).
    pub fn push_json(&self, out: &mut String) {
        let StoredKey { first_message_index, forwarded_count, is_verified, session_data } =
            &self.key;
        out.push_str("{\"first_message_index\":");
        out.push_str(&first_message_index.to_string());
        out.push_str(",\"forwarded_count\":");
        out.push_str(&forwarded_count.to_string());
        out.push_str(",\"is_verified\":");
        out.push_str(if *is_verified { "true" } else { "false" });
        out.push_str(",\"session_data\":");
        out.push_str(session_data);
        out.push('}');
    }
}

impl KeyBackup {
    /// A page of the keys of a version (or of one of its rooms), in the order of room and session,
    /// from after `after` on. Fewer than [`PAGE`]: there are no more.
    ///
    /// # Errors
    /// `M_NOT_FOUND` if the version doesn't exist.
    pub async fn page(
        &self,
        user: &UserId,
        version: &str,
        room: Option<&RoomId>,
        after: Option<&BackedUpKey>,
    ) -> Result<Vec<BackedUpKey>, AccountsError> {
        let number = parse_version(version)?;
        let snapshot = self.store.snapshot().await?;
        snapshot.get(&BACKUP_VERSIONS, (user, number)).await?.ok_or_else(unknown_version)?;
        let mut range = keys_range(user, number, room, None);
        if let Some(after) = after {
            range = range.after((user, number, &after.room_id, &after.session_id));
        }
        let rows = snapshot.scan(&BACKUP_KEYS, range, PAGE, Direction::Forward).await?;
        Ok(rows
            .into_iter()
            .map(|Row { key: (_, _, room_id, session_id), value: key, .. }| BackedUpKey {
                room_id,
                session_id,
                key,
            })
            .collect())
    }

    /// One key as JSON (`KeyBackupData`).
    ///
    /// # Errors
    /// `M_NOT_FOUND` if the version or the key doesn't exist.
    pub async fn key(
        &self,
        user: &UserId,
        version: &str,
        room: &RoomId,
        session: &str,
    ) -> Result<RawJson, AccountsError> {
        let number = parse_version(version)?;
        let snapshot = self.store.snapshot().await?;
        snapshot.get(&BACKUP_VERSIONS, (user, number)).await?.ok_or_else(unknown_version)?;
        let key = snapshot
            .get(&BACKUP_KEYS, (user, number, room, session))
            .await?
            .ok_or_else(|| AccountsError::not_found("this key is not in the backup"))?;
        let key = BackedUpKey { room_id: room.to_owned(), session_id: session.to_owned(), key };
        let mut json = String::new();
        key.push_json(&mut json);
        Ok(super::stored_json(json)?)
    }
}
