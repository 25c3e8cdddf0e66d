//! The one-time keys that will be given next, in memory.
//!
//! When a new device appears, everybody who shares a room with it claims one of its keys within
//! seconds. Only the first of these claims has to read the store.

use std::sync::Arc;

use pli_store::Position;
use quick_cache::sync::Cache;
use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};

use super::tables::{Chunk, OneTimeKeyStatus};

/// Of how many devices the next keys are kept, about 2 KiB each.
const DEVICES: usize = 1024;

/// What a device had after the last claim of one of its keys.
#[derive(Debug)]
pub(crate) struct NextKeys {
    /// The algorithm that was claimed.
    pub(crate) algorithm: String,
    /// The device's status.
    pub(crate) status: OneTimeKeyStatus,
    /// The version of the status: a claim that builds on another one conflicts.
    pub(crate) version: Position,
    /// The first chunk of the algorithm's queue.
    pub(crate) chunk: Arc<Chunk>,
}

/// The next keys of the devices whose keys were claimed last. It only saves reads: claims require
/// that the device's status is as it is here.
pub(crate) struct NextKeysCache(Cache<(OwnedUserId, OwnedDeviceId), Arc<NextKeys>>);

impl NextKeysCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(DEVICES))
    }

    pub(crate) fn get(&self, user: &UserId, device: &DeviceId) -> Option<Arc<NextKeys>> {
        self.0.get(&(user.to_owned(), device.to_owned()))
    }

    pub(crate) fn remember(&self, user: &UserId, device: &DeviceId, next: NextKeys) {
        self.0.insert((user.to_owned(), device.to_owned()), Arc::new(next));
    }

    pub(crate) fn forget(&self, user: &UserId, device: &DeviceId) {
        self.0.remove(&(user.to_owned(), device.to_owned()));
    }
}
