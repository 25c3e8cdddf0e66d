//! Which members a device was told of (client-server API, section "Lazy-loading room members").

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use parking_lot::Mutex;
use pli_store::Position;
use quick_cache::sync::Cache;
use ruma::{DeviceId, EventId, OwnedDeviceId, OwnedRoomId, OwnedUserId, RoomId, UserId};

/// How many (device, room) pairs are remembered. Forgetting one only means telling a device again.
const CACHED: usize = 50_000;
/// How many members are remembered of each pair.
const MEMBERS: usize = 2_000;

type Key = (OwnedUserId, OwnedDeviceId, OwnedRoomId);

/// Remembers which membership events devices were told.
pub(crate) struct SentMembers {
    cache: Cache<Key, Arc<Told>>,
    hasher: RandomState,
}

/// What one device was told in one room: the hash of each membership event, and the position of the
/// token that the answer with it carried.
pub(crate) struct Told {
    events: Mutex<HashMap<u64, Position>>,
    hasher: RandomState,
}

impl Told {
    /// Notes that an answer whose token is `next` carries a membership event. Returns whether the
    /// device has it already: only what an answer brought that the device has acknowledged, by
    /// coming with its token or a later one, is known to have arrived.
    pub(crate) fn note(&self, event_id: &EventId, since: Position, next: Position) -> bool {
        let mut events = self.events.lock();
        if events.len() >= MEMBERS {
            events.clear();
        }
        let sent_at = events.entry(self.hasher.hash_one(event_id)).or_insert(next);
        if *sent_at <= since {
            return true;
        }
        *sent_at = next;
        false
    }
}

impl SentMembers {
    pub(crate) fn new() -> Self {
        Self { cache: Cache::new(CACHED), hasher: RandomState::new() }
    }

    /// What a device was told in a room.
    pub(crate) fn of(&self, user_id: &UserId, device_id: &DeviceId, room_id: &RoomId) -> Arc<Told> {
        let key = (user_id.to_owned(), device_id.to_owned(), room_id.to_owned());
        if let Some(told) = self.cache.get(&key) {
            return told;
        }
        let told = Told { events: Mutex::default(), hasher: self.hasher.clone() };
        let told = Arc::new(told);
        self.cache.insert(key, Arc::clone(&told));
        told
    }

    /// The device starts from nothing in this room.
    pub(crate) fn forget(&self, user_id: &UserId, device_id: &DeviceId, room_id: &RoomId) {
        self.cache.remove(&(user_id.to_owned(), device_id.to_owned(), room_id.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use ruma::{device_id, event_id, room_id, user_id};

    use super::*;

    #[test]
    fn a_member_whose_answer_was_lost_is_told_again() {
        let sent = SentMembers::new();
        let told =
            sent.of(user_id!("@claire:pli.test"), device_id!("PHONE"), room_id!("!r:pli.test"));
        let member = event_id!("$samir");
        assert!(!told.note(member, Position(5), Position(9)));
        // The device comes with its old token: the answer never arrived.
        assert!(!told.note(member, Position(5), Position(12)));
        assert!(told.note(member, Position(12), Position(15)));
    }
}
