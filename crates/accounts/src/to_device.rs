//! Messages from device to device (client-server API, section "Send-to-Device messaging"): a queue
//! per device, kept until the device says that it has what is in it.

mod queue;
mod send;
#[cfg(test)]
mod tests;

use pli_store::{
    Batch, Keyspace, KeyspaceInfo, Record, Snapshot, Stamp, Store, StoreError, ambient::Ambient,
};
use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

pub use self::queue::Pending;
use crate::keys::{RawJson, delete_all};

/// Messages waiting for a device, oldest first: whole events as JSON. A batch adds at most one per
/// device.
const TO_DEVICE_MESSAGES: Keyspace<(OwnedUserId, OwnedDeviceId, Stamp), RawJson> =
    Keyspace::new("to_device_messages");

/// What a device sent already: sender, device, event type, transaction id.
const TO_DEVICE_TRANSACTIONS: Keyspace<(OwnedUserId, OwnedDeviceId, String, String), ()> =
    Keyspace::new("to_device_transactions");

/// The transactions of a device, oldest first, so that they can be forgotten after a while.
const TO_DEVICE_TRANSACTION_AGES: Keyspace<(OwnedUserId, OwnedDeviceId, Stamp), Transaction> =
    Keyspace::new("to_device_transaction_ages");

/// What this module keeps, for `pli store inspect`.
pub const KEYSPACES: &[KeyspaceInfo] =
    &[TO_DEVICE_MESSAGES.info(), TO_DEVICE_TRANSACTIONS.info(), TO_DEVICE_TRANSACTION_AGES.info()];

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Transaction {
    event_type: String,
    transaction_id: String,
    /// When, in milliseconds since the Unix epoch.
    at_ms: u64,
}

impl Record for Transaction {}

/// Sending and delivering messages from device to device.
#[derive(Clone)]
pub struct ToDevice {
    store: Store,
    ambient: Ambient,
}

impl ToDevice {
    /// The service over a store.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient) -> Self {
        Self { store, ambient }
    }
}

/// Adds to a batch the removal of a device's queue and of what it sent.
pub(crate) async fn forget_device(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
    device: &DeviceId,
) -> Result<(), StoreError> {
    delete_all(snapshot, batch, &TO_DEVICE_MESSAGES, (user, device)).await?;
    delete_all(snapshot, batch, &TO_DEVICE_TRANSACTIONS, (user, device)).await?;
    delete_all(snapshot, batch, &TO_DEVICE_TRANSACTION_AGES, (user, device)).await
}
