//! Which members a device was told of (client-server API, section "Lazy-loading room members").

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use ruma::{DeviceId, OwnedDeviceId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};

/// How many (device, room) pairs are remembered. Forgetting one only means telling a device again.
const CACHED: usize = 50_000;

type Key = (OwnedUserId, OwnedDeviceId, OwnedRoomId);
type Told = Arc<Mutex<HashMap<OwnedUserId, OwnedEventId>>>;

/// Remembers which membership events devices were told.
pub(crate) struct SentMembers {
    cache: Cache<Key, Told>,
}

impl SentMembers {
    pub(crate) fn new() -> Self {
        Self { cache: Cache::new(CACHED) }
    }

    /// What a device was told in a room.
    pub(crate) fn of(&self, user_id: &UserId, device_id: &DeviceId, room_id: &RoomId) -> Told {
        let key = (user_id.to_owned(), device_id.to_owned(), room_id.to_owned());
        if let Some(told) = self.cache.get(&key) {
            return told;
        }
        let told = Told::default();
        self.cache.insert(key, Arc::clone(&told));
        told
    }

    /// The device starts from nothing in this room.
    pub(crate) fn forget(&self, user_id: &UserId, device_id: &DeviceId, room_id: &RoomId) {
        self.cache.remove(&(user_id.to_owned(), device_id.to_owned(), room_id.to_owned()));
    }
}
