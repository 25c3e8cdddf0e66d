//! Deleting versions with all their keys.

use pli_store::{Batch, Direction, Expect, Snapshot};
use ruma::UserId;

use super::{
    BACKUP_HEADS, BACKUP_KEYS, BACKUP_PURGES, BACKUP_STATES, BACKUP_VERSIONS, KeyBackup,
    sessions::keys_range,
    versions::{parse_version, unknown_version},
};
use crate::{AccountsError, device_lists::UNLIMITED};

/// How many keys one batch deletes.
const BATCH: usize = 1_000;

impl KeyBackup {
    /// Deletes a version with all its keys. Deleting one that was deleted before is fine.
    ///
    /// # Errors
    /// `M_NOT_FOUND` if there never was such a version.
    pub async fn delete(&self, user: &UserId, version: &str) -> Result<(), AccountsError> {
        let number = parse_version(version)?;
        retry_on_conflict!(self.try_delete_version(user, number).await)?;
        self.purge(user, number).await
    }

    async fn try_delete_version(&self, user: &UserId, number: u64) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let key = (user, number);
        let Some((_, version)) = snapshot.get_versioned(&BACKUP_VERSIONS, key).await? else {
            let last = snapshot.get(&BACKUP_HEADS, user).await?.map_or(0, |head| head.last);
            let was_deleted = (1..=last).contains(&number);
            return if was_deleted { Ok(()) } else { Err(unknown_version()) };
        };
        drop(snapshot);
        let mut batch = Batch::new();
        batch.require(&BACKUP_VERSIONS, key, Expect::Version(version));
        stage_deletion(&mut batch, user, number);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Deletes the keys of a deleted version. Can be interrupted at any time and done again.
    async fn purge(&self, user: &UserId, number: u64) -> Result<(), AccountsError> {
        loop {
            let snapshot = self.store.snapshot().await?;
            if snapshot.get(&BACKUP_PURGES, (user, number)).await?.is_none() {
                return Ok(());
            }
            let range = keys_range(user, number, None, None);
            let rows = snapshot.scan(&BACKUP_KEYS, range, BATCH, Direction::Forward).await?;
            drop(snapshot);
            let mut batch = Batch::new();
            if rows.len() < BATCH {
                batch.delete(&BACKUP_PURGES, (user, number));
            }
            for row in rows {
                batch.delete(&BACKUP_KEYS, row.key);
            }
            self.store.commit(batch).await?;
        }
    }

    /// Finishes deletions that were interrupted, or staged when an account was deactivated
    /// ([`forget_user`]). [`Housekeeping`](crate::Housekeeping) does it when the server starts and
    /// every hour.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume_purges(&self) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let purges = snapshot
            .scan(&BACKUP_PURGES, BACKUP_PURGES.all(), UNLIMITED, Direction::Forward)
            .await?;
        drop(snapshot);
        for row in purges {
            let (user, number) = row.key;
            self.purge(&user, number).await?;
        }
        Ok(())
    }
}

/// Adds to a batch the deletion of all backups of a user. Their keys go with the next
/// [`KeyBackup::resume_purges`].
///
/// # Errors
/// When the store fails.
pub async fn forget_user(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
) -> Result<(), AccountsError> {
    let range = BACKUP_VERSIONS.prefix((user,));
    for row in snapshot.scan(&BACKUP_VERSIONS, range, UNLIMITED, Direction::Forward).await? {
        batch.require(&BACKUP_VERSIONS, &row.key, Expect::Version(row.version));
        stage_deletion(batch, user, row.key.1);
    }
    Ok(())
}

/// From this batch on nobody can read the version, and no key can be added to it.
fn stage_deletion(batch: &mut Batch, user: &UserId, number: u64) {
    let key = (user, number);
    batch.delete(&BACKUP_VERSIONS, key).delete(&BACKUP_STATES, key).put(&BACKUP_PURGES, key, &());
}
