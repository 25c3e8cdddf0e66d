//! What goes when a device or an account goes.

use futures_util::future::BoxFuture;
use pli_store::{AsPrefix, Batch, Direction, Key, Keyspace, Snapshot, StoreError, Value};
use ruma::{DeviceId, OwnedDeviceId, UserId};

use super::tables::{
    CLAIMED_ONE_TIME_KEYS, CROSS_SIGNING_KEYS, DEVICE_KEYS, FALLBACK_KEYS, ONE_TIME_KEY_STATUS,
    ONE_TIME_KEYS, USER_SIGNATURES,
};
use crate::{
    AccountData, AccountsError, dehydrated,
    device_lists::{DeviceLists, UNLIMITED, USER_SIGNATURE_CHANGES},
    devices::DeviceRemoved,
    to_device,
};

/// Removes the keys, the queue of messages and the settings of every device that is removed.
#[derive(Clone, Copy, Debug)]
pub struct ForgetDevices;

impl DeviceRemoved for ForgetDevices {
    fn stage_removal<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        batch: &'a mut Batch,
        user_id: &'a UserId,
        device_id: &'a DeviceId,
    ) -> BoxFuture<'a, Result<(), AccountsError>> {
        Box::pin(async move {
            forget_device(snapshot, batch, user_id, device_id).await?;
            dehydrated::forget_device(snapshot, batch, user_id, device_id).await?;
            AccountData::stage_device_removal(snapshot, batch, user_id, device_id).await
        })
    }
}

/// Adds to a batch the removal of all that is kept for a device: its keys and the messages waiting
/// for it. The user's device list changes.
///
/// # Errors
/// When the store fails.
pub async fn forget_device(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
    device: &DeviceId,
) -> Result<(), AccountsError> {
    batch.delete(&DEVICE_KEYS, (user, device));
    one_time_keys(snapshot, batch, user, device).await?;
    to_device::forget_device(snapshot, batch, user, device).await?;
    DeviceLists::changed(snapshot, batch, user).await
}

/// [`forget_device`] for several devices of a user.
///
/// # Errors
/// When the store fails.
pub async fn forget_devices(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
    devices: &[OwnedDeviceId],
) -> Result<(), AccountsError> {
    for device in devices {
        forget_device(snapshot, batch, user, device).await?;
    }
    Ok(())
}

/// Adds to a batch the removal of a user's cross-signing keys and of whom they signed. Their devices
/// are removed one by one ([`forget_device`]).
///
/// # Errors
/// When the store fails.
pub async fn forget_user(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
) -> Result<(), AccountsError> {
    delete_all(snapshot, batch, &CROSS_SIGNING_KEYS, (user,)).await?;
    delete_all(snapshot, batch, &USER_SIGNATURES, (user,)).await?;
    delete_all(snapshot, batch, &USER_SIGNATURE_CHANGES, (user,)).await?;
    DeviceLists::changed(snapshot, batch, user).await
}

/// Adds to a batch the removal of a device's one-time and fallback keys.
pub(crate) async fn one_time_keys(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
    device: &DeviceId,
) -> Result<(), StoreError> {
    batch.delete(&ONE_TIME_KEY_STATUS, (user, device));
    delete_all(snapshot, batch, &ONE_TIME_KEYS, (user, device)).await?;
    delete_all(snapshot, batch, &CLAIMED_ONE_TIME_KEYS, (user, device)).await?;
    delete_all(snapshot, batch, &FALLBACK_KEYS, (user, device)).await
}

/// Adds to a batch the deletion of every row with this prefix.
pub(crate) async fn delete_all<K: Key, V: Value>(
    snapshot: &Snapshot,
    batch: &mut Batch,
    keyspace: &Keyspace<K, V>,
    prefix: impl AsPrefix<K>,
) -> Result<(), StoreError> {
    let rows =
        snapshot.scan(keyspace, keyspace.prefix(prefix), UNLIMITED, Direction::Forward).await?;
    for row in rows {
        batch.delete(keyspace, row.key);
    }
    Ok(())
}
