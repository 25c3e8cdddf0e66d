//! Dehydrated devices ([MSC3814](https://github.com/matrix-org/matrix-spec-proposals/pull/3814)): a
//! device that a user leaves on the server, its secrets encrypted, so that room keys can be sent to
//! them while they are signed in nowhere.
//!
//! To others it is a device like any other. Its messages are kept as long as the device: a client
//! that takes them over may be interrupted.

use pli_store::{
    Batch, Expect, Keyspace, Position, Record, Snapshot, Store, Touch, ambient::Ambient,
};
use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    AccountsError, Devices,
    devices::{DEVICES, DeviceRecord, MAX_DEVICES, check_device_id, check_display_name},
    keys::{DeviceKeys, KeyUpload},
    to_device::{Pending, ToDevice},
};

/// user → their dehydrated device.
pub(crate) const DEHYDRATED_DEVICES: Keyspace<OwnedUserId, DehydratedDeviceRecord> =
    Keyspace::new("dehydrated_devices");

/// The largest encrypted device, in bytes of JSON. Usual ones have some kilobytes.
const MAX_DATA_BYTES: usize = 65_536;
/// How many messages one request gives.
const MESSAGES_AT_ONCE: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DehydratedDeviceRecord {
    device_id: OwnedDeviceId,
    /// The encrypted device as JSON.
    data: String,
}

impl Record for DehydratedDeviceRecord {}

/// A dehydrated device to keep.
#[derive(Clone, Debug)]
pub struct NewDehydratedDevice {
    /// Its id.
    pub device_id: OwnedDeviceId,
    /// Its name.
    pub display_name: Option<String>,
    /// Its secrets, encrypted by a client: a JSON object.
    pub data: Box<RawValue>,
    /// Its public keys.
    pub keys: KeyUpload,
}

/// A dehydrated device as its owner gets it back.
#[derive(Clone, Debug)]
pub struct DehydratedDevice {
    /// Its id.
    pub device_id: OwnedDeviceId,
    /// Its secrets, as they were given.
    pub data: Box<RawValue>,
}

/// Messages for a dehydrated device.
#[derive(Clone, Debug)]
pub struct DehydratedMessages {
    /// Whole events, oldest first.
    pub events: Vec<Box<RawValue>>,
    /// Up to where these go.
    pub next: Position,
    /// Whether more are waiting after these.
    pub has_more: bool,
}

/// The dehydrated devices of this server's users: at most one each.
#[derive(Clone)]
pub struct DehydratedDevices {
    store: Store,
    ambient: Ambient,
    devices: Devices,
}

impl DehydratedDevices {
    /// The dehydrated devices in a store.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient, devices: Devices) -> Self {
        Self { store, ambient, devices }
    }

    /// Keeps a dehydrated device for a user. It takes the place of the one before, with whose id
    /// everything of it goes.
    ///
    /// # Errors
    /// [`AccountsError::InvalidParam`] if the id is that of a device that is in use, or can't be a
    /// device's; when the keys are not accepted ([`DeviceKeys::upload`]); when the store fails.
    pub async fn put(
        &self,
        user_id: &UserId,
        device: &NewDehydratedDevice,
    ) -> Result<(), AccountsError> {
        check_device_id(&device.device_id)?;
        check_display_name(device.display_name.as_deref())?;
        if device.data.get().len() > MAX_DATA_BYTES {
            return Err(AccountsError::TooLarge(
                "a dehydrated device can have at most 64 KiB".into(),
            ));
        }
        retry_on_conflict!(self.try_put(user_id, device).await)
    }

    async fn try_put(
        &self,
        user_id: &UserId,
        device: &NewDehydratedDevice,
    ) -> Result<(), AccountsError> {
        let NewDehydratedDevice { device_id, display_name, data, keys } = device;
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        let former = snapshot.get_versioned(&DEHYDRATED_DEVICES, user_id).await?;
        let version = former.as_ref().map(|(_, version)| *version);
        batch.require(&DEHYDRATED_DEVICES, user_id, Expect::unchanged(version));
        let is_same = former.as_ref().is_some_and(|(former, _)| former.device_id == *device_id);
        let mut revoked = None;
        if !is_same {
            if let Some((former, _)) = &former {
                let ids = std::slice::from_ref(&former.device_id);
                let removed =
                    self.devices.stage_removals(&snapshot, &mut batch, user_id, ids).await?;
                revoked = Some(removed);
            }
            self.stage_device(&snapshot, &mut batch, user_id, device_id, display_name.as_deref())
                .await?;
        }
        DeviceKeys::stage_upload(&snapshot, &mut batch, user_id, device_id, keys).await?;
        let record =
            DehydratedDeviceRecord { device_id: device_id.clone(), data: data.get().to_owned() };
        batch.put(&DEHYDRATED_DEVICES, user_id, &record);
        drop(snapshot);
        self.store.commit(batch).await?;
        if let Some(revoked) = revoked {
            self.devices.forget(revoked);
        }
        Ok(())
    }

    async fn stage_device(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        device_id: &DeviceId,
        display_name: Option<&str>,
    ) -> Result<(), AccountsError> {
        // A device that somebody is signed in on has keys of its own.
        if Devices::exists_at(snapshot, user_id, device_id).await? {
            return Err(AccountsError::invalid_param(
                "a device with this id is in use: choose another id",
            ));
        }
        if Devices::ids_at(snapshot, user_id).await?.len() >= MAX_DEVICES {
            return Err(AccountsError::forbidden(
                "this account is signed in on too many devices: sign out on some of them",
            ));
        }
        let record = DeviceRecord {
            display_name: display_name.map(str::to_owned),
            created_ms: self.ambient.now_ms(),
        };
        batch
            .require(&DEVICES, (user_id, device_id), Expect::Absent)
            .put(&DEVICES, (user_id, device_id), &record)
            .touch(Touch::User(user_id.to_owned()));
        Ok(())
    }

    /// The dehydrated device of a user.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if they have none; when the store fails.
    pub async fn get(&self, user_id: &UserId) -> Result<DehydratedDevice, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let record = snapshot.get(&DEHYDRATED_DEVICES, user_id).await?.ok_or_else(none)?;
        let data = RawValue::from_string(record.data).map_err(|error| {
            pli_store::StoreError::Corrupt(format!("dehydrated device of {user_id}: {error}"))
        })?;
        Ok(DehydratedDevice { device_id: record.device_id, data })
    }

    /// Removes the dehydrated device of a user, with its keys and its messages. Returns its id.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if they have none; when the store fails.
    pub async fn delete(&self, user_id: &UserId) -> Result<OwnedDeviceId, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let record = snapshot.get(&DEHYDRATED_DEVICES, user_id).await?.ok_or_else(none)?;
        drop(snapshot);
        self.devices.remove(user_id, std::slice::from_ref(&record.device_id)).await?;
        Ok(record.device_id)
    }

    /// The messages that wait for the dehydrated device of a user, after a position.
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`] for every other device; when the store fails.
    pub async fn messages(
        &self,
        user_id: &UserId,
        device_id: &DeviceId,
        after: Position,
    ) -> Result<DehydratedMessages, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let record = snapshot.get(&DEHYDRATED_DEVICES, user_id).await?;
        // The messages of a device that is signed in are its own: it would miss them.
        if record.is_none_or(|record| record.device_id != device_id) {
            return Err(AccountsError::forbidden(
                "you can only read the messages of your dehydrated device",
            ));
        }
        let Pending { events, up_to } =
            ToDevice::pending(&snapshot, user_id, device_id, after, MESSAGES_AT_ONCE).await?;
        let next = up_to.unwrap_or_else(|| snapshot.position().max(after));
        Ok(DehydratedMessages { events, next, has_more: up_to.is_some() })
    }
}

/// Adds to a batch that a device, which is being removed, is not its owner's dehydrated one any more.
pub(crate) async fn forget_device(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user_id: &UserId,
    device_id: &DeviceId,
) -> Result<(), AccountsError> {
    let record = snapshot.get(&DEHYDRATED_DEVICES, user_id).await?;
    if record.is_some_and(|record| record.device_id == device_id) {
        batch.delete(&DEHYDRATED_DEVICES, user_id);
    }
    Ok(())
}

fn none() -> AccountsError {
    AccountsError::not_found("you have no dehydrated device")
}
