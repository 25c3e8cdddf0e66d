//! Whose devices or cross-signing keys changed, and when: what `device_lists` in `/sync` and
//! `/keys/changes` are made of.
//!
//! One stream for the whole deployment with at most one row per user: a newer change replaces the
//! older one.

use pli_store::{
    Batch, Direction, Expect, Keyspace, KeyspaceInfo, Position, Record, Row, Snapshot, Stamp,
    StoreError, Touch,
};
use ruma::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use crate::AccountsError;

/// The last change of each user, in the order of the changes.
const DEVICE_LIST_CHANGES: Keyspace<(Stamp,), String> = Keyspace::new("device_list_changes");

/// Where each user's entry in the stream is. The row's version is its position.
const DEVICE_LISTS: Keyspace<OwnedUserId, DeviceList> = Keyspace::new("device_lists");

/// Whom each user signed, in the order of the signatures.
pub(crate) const USER_SIGNATURE_CHANGES: Keyspace<(OwnedUserId, Stamp), String> =
    Keyspace::new("user_signature_changes");

/// What this module keeps, for `pli store inspect`.
pub const KEYSPACES: &[KeyspaceInfo] =
    &[DEVICE_LIST_CHANGES.info(), DEVICE_LISTS.info(), USER_SIGNATURE_CHANGES.info()];

/// How many entries one read of the stream takes.
const PAGE: usize = 1_000;

/// A limit for reads that take all there is; engines count in 32 bits at least.
pub(crate) const UNLIMITED: usize = u32::MAX as usize;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct DeviceList {
    /// The entry's index among those that its batch appended.
    index: u16,
}

impl Record for DeviceList {}

/// Changes of devices and cross-signing keys.
#[derive(Clone, Copy, Debug)]
pub struct DeviceLists;

impl DeviceLists {
    /// Notes in a batch that a user's devices (their display names too) or cross-signing keys
    /// change. Doing it again in the same batch adds nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn changed(
        snapshot: &Snapshot,
        batch: &mut Batch,
        user: &UserId,
    ) -> Result<(), AccountsError> {
        if batch.requires(&DEVICE_LISTS, user) {
            return Ok(());
        }
        let list = snapshot.get_versioned(&DEVICE_LISTS, user).await?;
        let version = list.map(|(_, version)| version);
        batch.require(&DEVICE_LISTS, user, Expect::unchanged(version));
        if let Some((DeviceList { index }, version)) = list {
            let older = Stamp { index, ..Stamp::first_at(version) };
            batch.delete(&DEVICE_LIST_CHANGES, (older,));
        }
        let index = batch.append(&DEVICE_LIST_CHANGES, (), &user.to_string());
        batch.put(&DEVICE_LISTS, user, &DeviceList { index });
        batch.touch(Touch::DeviceList(user.to_owned()));
        Ok(())
    }

    /// The users of whom anything changed after a position, oldest change first, each once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn changed_since(
        snapshot: &Snapshot,
        after: Position,
    ) -> Result<Vec<OwnedUserId>, AccountsError> {
        let mut users = Vec::new();
        let mut last = Stamp::last_at(after);
        loop {
            let range = DEVICE_LIST_CHANGES.all().after((last,));
            let page = snapshot.scan(&DEVICE_LIST_CHANGES, range, PAGE, Direction::Forward).await?;
            let Some(Row { key: (stamp,), .. }) = page.last() else { return Ok(users) };
            last = *stamp;
            let complete = page.len() < PAGE;
            for Row { value, .. } in page {
                users.push(parse_user(&value, DEVICE_LIST_CHANGES.name())?);
            }
            if complete {
                return Ok(users);
            }
        }
    }

    /// The users whose master keys `signer` signed after a position. Only the signer learns of it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signed_since(
        snapshot: &Snapshot,
        signer: &UserId,
        after: Position,
    ) -> Result<Vec<OwnedUserId>, AccountsError> {
        let range = USER_SIGNATURE_CHANGES.prefix((signer,)).after((signer, Stamp::last_at(after)));
        snapshot
            .scan(&USER_SIGNATURE_CHANGES, range, UNLIMITED, Direction::Forward)
            .await?
            .into_iter()
            .map(|row| parse_user(&row.value, USER_SIGNATURE_CHANGES.name()))
            .collect()
    }

    /// When each of these users' lists changed last: what answers about them may be cached by.
    pub(crate) async fn versions(
        snapshot: &Snapshot,
        users: &[&UserId],
    ) -> Result<Vec<Option<Position>>, StoreError> {
        let lists = snapshot.get_many(&DEVICE_LISTS, users.iter().copied()).await?;
        Ok(lists.into_iter().map(|list| list.map(|(_, version)| version)).collect())
    }
}

fn parse_user(text: &str, keyspace: &'static str) -> Result<OwnedUserId, AccountsError> {
    UserId::parse(text).map_err(|error| {
        StoreError::Corrupt(format!("`{keyspace}` holds the user id `{text}`: {error}")).into()
    })
}
