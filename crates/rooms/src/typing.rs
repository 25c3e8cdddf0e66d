//! Who is typing: in memory only, since it is over before a restart is.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use pli_store::ambient::Ambient;
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use tokio::sync::broadcast;

/// The longest that one notice of typing holds.
pub const MAX_TYPING: Duration = Duration::from_secs(120);

/// How many changes a slow subscriber may lag behind.
const CHANNEL_CAPACITY: usize = 1024;

/// Who is typing in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypingNow {
    /// The users, in the order of their ids.
    pub user_ids: Vec<OwnedUserId>,
    /// Grows with every change in any room of this process; 0: nobody has typed since it started.
    pub version: u64,
}

#[derive(Default)]
struct RoomTyping {
    /// Each typing user, and until when (milliseconds since the Unix epoch).
    until: HashMap<OwnedUserId, u64>,
    version: u64,
}

/// Who is typing in which room. Cheap to clone.
#[derive(Clone)]
pub struct Typing {
    shared: Arc<Shared>,
}

struct Shared {
    ambient: Ambient,
    rooms: Mutex<HashMap<OwnedRoomId, RoomTyping>>,
    version: AtomicU64,
    changes: broadcast::Sender<OwnedRoomId>,
}

impl Typing {
    /// Nobody is typing.
    #[must_use]
    pub fn new(ambient: Ambient) -> Self {
        let (changes, _) = broadcast::channel(CHANNEL_CAPACITY);
        let shared =
            Shared { ambient, rooms: Mutex::default(), version: AtomicU64::new(0), changes };
        Self { shared: Arc::new(shared) }
    }

    /// The rooms in which who is typing changes, from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<OwnedRoomId> {
        self.shared.changes.subscribe()
    }

    /// Who is typing in a room now.
    #[must_use]
    pub fn now(&self, room_id: &RoomId) -> TypingNow {
        let now = self.shared.ambient.now_ms();
        let rooms = self.shared.rooms.lock();
        let Some(room) = rooms.get(room_id) else { return TypingNow::default() };
        let typing = room.until.iter().filter(|(_, until)| **until > now);
        let mut user_ids: Vec<_> = typing.map(|(user_id, _)| user_id.clone()).collect();
        user_ids.sort_unstable();
        TypingNow { user_ids, version: room.version }
    }

    /// A user types in a room, for at most `timeout` (and [`MAX_TYPING`]) unless they say so again.
    /// Must be called within a Tokio runtime. Whether they may is asked before.
    pub fn start(&self, room_id: &RoomId, user_id: &UserId, timeout: Duration) {
        let timeout = timeout.min(MAX_TYPING);
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let until = self.shared.ambient.now_ms().saturating_add(timeout_ms);
        {
            let mut rooms = self.shared.rooms.lock();
            let room = rooms.entry(room_id.to_owned()).or_default();
            if room.until.insert(user_id.to_owned(), until).is_none() {
                room.version = self.next_version();
                self.announce(room_id);
            }
        }
        let typing = self.clone();
        let room_id = room_id.to_owned();
        tokio::spawn(async move {
            tokio::time::sleep(timeout).await;
            typing.expire(&room_id);
        });
    }

    /// A user stops typing in a room.
    pub fn stop(&self, room_id: &RoomId, user_id: &UserId) {
        let mut rooms = self.shared.rooms.lock();
        let Some(room) = rooms.get_mut(room_id) else { return };
        if room.until.remove(user_id).is_some() {
            room.version = self.next_version();
            self.announce(room_id);
        }
    }

    /// Takes out those whose time is over.
    pub fn expire(&self, room_id: &RoomId) {
        let now = self.shared.ambient.now_ms();
        let mut rooms = self.shared.rooms.lock();
        let Some(room) = rooms.get_mut(room_id) else { return };
        let before = room.until.len();
        room.until.retain(|_, until| *until > now);
        if room.until.len() < before {
            room.version = self.next_version();
            self.announce(room_id);
        }
    }

    fn next_version(&self) -> u64 {
        self.shared.version.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn announce(&self, room_id: &RoomId) {
        // Nobody listening is no error.
        let _ = self.shared.changes.send(room_id.to_owned());
    }
}
