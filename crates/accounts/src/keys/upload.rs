//! `POST /keys/upload`: a device publishes its keys.

use std::collections::BTreeMap;

use pli_store::{Batch, Expect, Snapshot};
use ruma::{
    DeviceId, OwnedOneTimeKeyId, UserId,
    encryption::{DeviceKeys as UploadedDeviceKeys, OneTimeKey},
    serde::Raw,
};

use super::{
    DeviceKeys, KeyCounts, device_keys,
    device_keys::IdentityChange,
    fallback, forget, one_time,
    tables::{ONE_TIME_KEY_STATUS, OneTimeKeyStatus},
};
use crate::AccountsError;

/// What a device uploads.
#[derive(Clone, Debug, Default)]
pub struct KeyUpload {
    /// The device's identity keys.
    pub device_keys: Option<Raw<UploadedDeviceKeys>>,
    /// New one-time keys by id.
    pub one_time_keys: BTreeMap<OwnedOneTimeKeyId, Raw<OneTimeKey>>,
    /// New fallback keys by id, at most one of each algorithm.
    pub fallback_keys: BTreeMap<OwnedOneTimeKeyId, Raw<OneTimeKey>>,
}

impl DeviceKeys {
    /// Takes keys that a device uploads, all of them or (on an error) none. Returns what the device
    /// has now.
    ///
    /// # Errors
    /// When the keys are malformed, too many, not the device's own, or when a one-time key's id is
    /// taken by another key.
    pub async fn upload(
        &self,
        user: &UserId,
        device: &DeviceId,
        upload: &KeyUpload,
    ) -> Result<KeyCounts, AccountsError> {
        let _turn = self.locks.lock(&[(user, device)]).await;
        retry_on_conflict!(self.try_upload(user, device, upload).await)
    }

    async fn try_upload(
        &self,
        user: &UserId,
        device: &DeviceId,
        upload: &KeyUpload,
    ) -> Result<KeyCounts, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        let counts = Self::stage_upload(&snapshot, &mut batch, user, device, upload).await?;
        drop(snapshot);
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(counts)
    }

    /// [`Self::upload`] in a batch that may do more.
    pub(crate) async fn stage_upload(
        snapshot: &Snapshot,
        batch: &mut Batch,
        user: &UserId,
        device: &DeviceId,
        upload: &KeyUpload,
    ) -> Result<KeyCounts, AccountsError> {
        let found = snapshot.get_versioned(&ONE_TIME_KEY_STATUS, (user, device)).await?;
        let (before, version) = found.map_or_else(
            || (OneTimeKeyStatus::default(), None),
            |(status, version)| (status, Some(version)),
        );

        let mut status = before.clone();
        if let Some(uploaded) = &upload.device_keys {
            let change = device_keys::put(snapshot, batch, user, device, uploaded).await?;
            // One-time keys are signed with the identity keys: with other identity keys, all that
            // is here can only make conversations fail.
            if change == IdentityChange::Keys {
                forget::one_time_keys(snapshot, batch, user, device).await?;
                status = OneTimeKeyStatus::default();
            }
        }
        one_time::add(snapshot, batch, user, device, &mut status, &upload.one_time_keys).await?;
        fallback::replace(snapshot, batch, user, device, &mut status, &upload.fallback_keys)
            .await?;
        if status != before {
            batch.require(&ONE_TIME_KEY_STATUS, (user, device), Expect::unchanged(version));
            batch.put(&ONE_TIME_KEY_STATUS, (user, device), &status);
        }
        Ok(status.counts())
    }
}
