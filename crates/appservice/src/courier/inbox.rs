use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId, events::presence::PresenceEvent};
use tokio::sync::Notify;

/// Notes of what there may be to tell a service.
#[derive(Default)]
pub(crate) struct Inbox {
    wake: Notify,
    notes: Mutex<Notes>,
}

/// What the notes say.
#[derive(Default)]
pub(crate) struct Notes {
    /// Users of the service for whose devices there may be messages, or whose one-time keys were
    /// taken.
    pub(crate) users: HashSet<OwnedUserId>,
    /// Where who types has changed.
    pub(crate) typing: HashSet<OwnedRoomId>,
    /// Whose presence has changed, and where they are.
    pub(crate) presence: HashMap<OwnedUserId, PresenceNote>,
    /// Some notes were lost: every user of the service may have news.
    pub(crate) everywhere: bool,
}

/// Somebody's presence as it is now.
pub(crate) struct PresenceNote {
    pub(crate) event: PresenceEvent,
    pub(crate) rooms: Vec<OwnedRoomId>,
}

impl Inbox {
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(crate) fn news_for(&self, user_id: &UserId) {
        self.notes.lock().users.insert(user_id.to_owned());
        self.wake();
    }

    pub(crate) fn typing_in(&self, room_id: &RoomId) {
        self.notes.lock().typing.insert(room_id.to_owned());
        self.wake();
    }

    pub(crate) fn presence_of(&self, event: &PresenceEvent, rooms: &[OwnedRoomId]) {
        let note = PresenceNote { event: event.clone(), rooms: rooms.to_vec() };
        // What was noted before is out of date.
        self.notes.lock().presence.insert(event.sender.clone(), note);
        self.wake();
    }

    pub(crate) fn look_everywhere(&self) {
        self.notes.lock().everywhere = true;
        self.wake();
    }

    /// Waits until there may be something new since the last time.
    pub(crate) async fn wait(&self) {
        self.wake.notified().await;
    }

    pub(crate) fn take(&self) -> Notes {
        std::mem::take(&mut self.notes.lock())
    }
}
