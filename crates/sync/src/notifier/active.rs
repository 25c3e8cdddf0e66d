use std::collections::{HashMap, HashSet};

use pli_store::Position;
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use tokio::sync::watch;

/// How many changed rooms a user's entry remembers. A client that is further behind than this many
/// rooms is answered from the store.
const REMEMBERED_ROOMS: usize = 4096;
/// Of how many people it is remembered that their presence changed.
const REMEMBERED_PRESENCES: usize = 4096;

/// Whether a user's rooms are known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Index {
    /// They are being read; memberships that change meanwhile are kept here.
    Building { changed: Vec<(OwnedRoomId, bool)> },
    /// They are known, and kept up to date by commits.
    Complete,
}

/// What the notifier knows of a user who syncs.
pub(super) struct ActiveUser {
    pub(super) index: Index,
    pub(super) joined: HashSet<OwnedRoomId>,
    /// Every change after this position is recorded below.
    pub(super) complete_since: Position,
    /// The same for typing.
    pub(super) typing_since: u64,
    pub(super) last_seen_ms: u64,
    pub(super) wake: watch::Sender<()>,
    /// The newest change of any kind.
    last: Position,
    /// The newest change of the user's own: account data, to-device messages, invitations.
    own: Position,
    /// The newest change of a device list that the user may want to know of.
    device_lists: Position,
    /// Where each changed room changed last.
    rooms: HashMap<OwnedRoomId, Position>,
    /// When typing in a room changed last.
    typing: HashMap<OwnedRoomId, u64>,
    /// When the presence of somebody in the user's rooms changed last.
    presence: HashMap<OwnedUserId, u64>,
    last_typing: u64,
}

/// What is new for a user since a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// The notifier does not know so far back: read the store.
    Unknown,
    /// Nothing.
    Nothing,
    /// These things.
    Some(News),
}

/// What is new, at most: whoever uses it must look, as some of it may not concern them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// The rooms in which something happened.
    pub rooms: Vec<OwnedRoomId>,
    /// The rooms in which typing changed.
    pub typing: Vec<OwnedRoomId>,
    /// Whose presence changed.
    pub presence: Vec<OwnedUserId>,
    /// Whether there is something of the user's own: account data, to-device messages, memberships.
    pub own: bool,
    /// Whether device lists changed.
    pub device_lists: bool,
}

impl ActiveUser {
    pub(super) fn new(position: Position, ephemeral: u64, now_ms: u64) -> Self {
        Self {
            index: Index::Building { changed: Vec::new() },
            joined: HashSet::new(),
            complete_since: position,
            typing_since: ephemeral,
            last_seen_ms: now_ms,
            wake: watch::Sender::new(()),
            last: position,
            own: Position::ZERO,
            device_lists: Position::ZERO,
            rooms: HashMap::new(),
            typing: HashMap::new(),
            presence: HashMap::new(),
            last_typing: ephemeral,
        }
    }

    pub(super) fn touch_room(&mut self, room_id: &OwnedRoomId, position: Position) {
        match self.rooms.get_mut(room_id) {
            Some(changed) => *changed = position,
            None => {
                if self.rooms.len() >= REMEMBERED_ROOMS {
                    self.forget_older_half();
                }
                self.rooms.insert(room_id.clone(), position);
            }
        }
        self.wake_at(position);
    }

    pub(super) fn touch_self(&mut self, position: Position) {
        self.own = position;
        self.wake_at(position);
    }

    pub(super) fn touch_device_lists(&mut self, position: Position) {
        self.device_lists = position;
        self.wake_at(position);
    }

    pub(super) fn touch_typing(&mut self, room_id: &RoomId, ephemeral: u64) {
        self.typing.insert(room_id.to_owned(), ephemeral);
        self.last_typing = ephemeral;
        self.wake.send_replace(());
    }

    pub(super) fn touch_presence(&mut self, user_id: &UserId, ephemeral: u64) {
        if self.presence.len() >= REMEMBERED_PRESENCES && !self.presence.contains_key(user_id) {
            // Whoever has an older token is told of everybody.
            self.presence.clear();
            self.typing_since = ephemeral - 1;
        }
        self.presence.insert(user_id.to_owned(), ephemeral);
        self.last_typing = ephemeral;
        self.wake.send_replace(());
    }

    fn wake_at(&mut self, position: Position) {
        self.last = position;
        self.wake.send_replace(());
    }

    fn forget_older_half(&mut self) {
        let mut positions: Vec<_> = self.rooms.values().copied().collect();
        let middle = positions.len() / 2;
        let (_, &mut median, _) = positions.select_nth_unstable(middle);
        self.rooms.retain(|_, position| *position > median);
        self.complete_since = self.complete_since.max(median);
    }

    pub(super) fn changes_since(&self, since: Position, ephemeral: u64) -> Changes {
        let is_known = since >= self.complete_since && ephemeral >= self.typing_since;
        if self.index != Index::Complete || !is_known {
            return Changes::Unknown;
        }
        if self.last <= since && self.last_typing <= ephemeral {
            return Changes::Nothing;
        }
        let rooms = self.rooms.iter().filter(|(_, position)| **position > since);
        let typing = self.typing.iter().filter(|(_, changed)| **changed > ephemeral);
        let presence = self.presence.iter().filter(|(_, changed)| **changed > ephemeral);
        Changes::Some(News {
            rooms: rooms.map(|(room_id, _)| room_id.clone()).collect(),
            typing: typing.map(|(room_id, _)| room_id.clone()).collect(),
            presence: presence.map(|(user_id, _)| user_id.clone()).collect(),
            own: self.own > since,
            device_lists: self.device_lists > since,
        })
    }
}
