//! Which fields of whose profiles changed, and when: what sliding sync tells of profiles is made of
//! this.
//!
//! One stream for the whole deployment with at most one row per field of a profile: a newer change
//! replaces the older one.

use pli_store::{
    Batch, Direction, Expect, Keyspace, Position, Record, Row, Snapshot, Stamp, Touch,
};
use ruma::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use super::{PROFILES, Profile, Profiles};
use crate::{AccountsError, device_lists::UNLIMITED};

/// The last change of each field, in the order of the changes.
pub(crate) const PROFILE_CHANGES: Keyspace<(Stamp,), ProfileChange> =
    Keyspace::new("profile_changes");

/// Where each field's entry in the stream is. The row's version is its position.
pub(crate) const PROFILE_FIELDS: Keyspace<(OwnedUserId, String), ProfileField> =
    Keyspace::new("profile_fields");

/// How many changes are told at once.
const MOST: usize = 1_000;

/// A field of a profile was set or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileChange {
    /// Whose profile.
    pub user_id: OwnedUserId,
    /// Which field.
    pub field: String,
}

impl Record for ProfileChange {}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct ProfileField {
    /// The entry's index among those that its batch appended.
    index: u16,
}

impl Record for ProfileField {}

impl Profiles {
    /// Notes in a batch that a field changes. Wakes who shares a room with its owner.
    pub(super) async fn stage_change(
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        field: &str,
    ) -> Result<(), AccountsError> {
        let key = (user_id, field);
        let former = snapshot.get_versioned(&PROFILE_FIELDS, key).await?;
        let version = former.map(|(_, version)| version);
        batch.require(&PROFILE_FIELDS, key, Expect::unchanged(version));
        if let Some((ProfileField { index }, version)) = former {
            let older = Stamp { index, ..Stamp::first_at(version) };
            batch.delete(&PROFILE_CHANGES, (older,));
        }
        let change = ProfileChange { user_id: user_id.to_owned(), field: field.to_owned() };
        let index = batch.append(&PROFILE_CHANGES, (), &change);
        batch.put(&PROFILE_FIELDS, key, &ProfileField { index });
        batch.touch(Touch::DeviceList(user_id.to_owned()));
        Ok(())
    }

    /// The fields that changed after a position, oldest change first, each once; `None` if they are
    /// more than 1,000: then [`Self::changed_of`] the people who matter costs less than all changes of
    /// the server.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn changed_since(
        snapshot: &Snapshot,
        after: Position,
    ) -> Result<Option<Vec<ProfileChange>>, AccountsError> {
        let range = PROFILE_CHANGES.all().after((Stamp::last_at(after),));
        let rows = snapshot.scan(&PROFILE_CHANGES, range, MOST + 1, Direction::Forward).await?;
        Ok((rows.len() <= MOST).then(|| rows.into_iter().map(|row| row.value).collect()))
    }

    /// The fields of one user's profile that changed after a position, in the order of their names.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn changed_of(
        snapshot: &Snapshot,
        user_id: &UserId,
        after: Position,
    ) -> Result<Vec<String>, AccountsError> {
        let range = PROFILE_FIELDS.prefix((user_id,));
        let rows = snapshot.scan(&PROFILE_FIELDS, range, UNLIMITED, Direction::Forward).await?;
        let changed = rows.into_iter().filter(|row| row.version > after);
        Ok(changed.map(|Row { key: (_, field), .. }| field).collect())
    }

    /// The profiles of many users, in the order of the ids; `None` of whoever isn't here.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn many_at(
        snapshot: &Snapshot,
        user_ids: &[OwnedUserId],
    ) -> Result<Vec<Option<Profile>>, AccountsError> {
        let records = snapshot.get_many(&PROFILES, user_ids).await?;
        let profile = |(record, _)| Profile::from_record(&record);
        Ok(records.into_iter().map(|record| record.map(profile)).collect())
    }
}
