//! Who may have to be told of what happens in a room: its members with pushers. So that nothing is
//! done for the others, however many they are.

use std::collections::{HashMap, HashSet};

use pli_rooms::{MembershipKind, Rooms};
use pli_store::{Direction, Position, Snapshot};
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};

use crate::{PushError, pushers::PUSHER};

/// The users with pushers, and the rooms that they are joined to.
#[derive(Default)]
pub(crate) struct Audience {
    rooms_of: HashMap<OwnedUserId, Known>,
    listeners: HashMap<OwnedRoomId, HashSet<OwnedUserId>>,
    /// Who was invited where, and when.
    invited: Vec<Invited>,
}

/// Somebody was invited.
pub(crate) struct Invited {
    pub(crate) user_id: OwnedUserId,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) at: Position,
}

struct Known {
    rooms: HashSet<OwnedRoomId>,
    /// Memberships that changed up to here are known.
    read_at: Position,
}

impl Audience {
    /// Reads everybody who has pushers.
    pub(crate) async fn load(snapshot: &Snapshot, rooms: &Rooms) -> Result<Self, PushError> {
        let mut audience = Self::default();
        let mut range = PUSHER.all();
        loop {
            // One pusher of a user is enough to know that they have some.
            let rows = snapshot.scan(&PUSHER, range, 1, Direction::Forward).await?;
            let Some(row) = rows.into_iter().next() else { return Ok(audience) };
            let user_id = row.key.0;
            range = PUSHER.all().past(PUSHER.prefix((&user_id,)));
            audience.add(snapshot, rooms, &user_id).await?;
        }
    }

    /// Adds a user, if they aren't there yet.
    pub(crate) async fn add(
        &mut self,
        snapshot: &Snapshot,
        rooms: &Rooms,
        user_id: &UserId,
    ) -> Result<(), PushError> {
        if self.rooms_of.contains_key(user_id) {
            return Ok(());
        }
        let mut joined = HashSet::new();
        for user_room in rooms.user_rooms(snapshot, user_id).await? {
            let room_id = user_room.room_id;
            match user_room.membership {
                MembershipKind::Join => {
                    let listeners = self.listeners.entry(room_id.clone()).or_default();
                    listeners.insert(user_id.to_owned());
                    joined.insert(room_id);
                }
                MembershipKind::Invite => {
                    let at = user_room.changed.position();
                    self.invited.push(Invited { user_id: user_id.to_owned(), room_id, at });
                }
                _ => {}
            }
        }
        let known = Known { rooms: joined, read_at: snapshot.position() };
        self.rooms_of.insert(user_id.to_owned(), known);
        Ok(())
    }

    /// Forgets a user who has no pushers any more.
    pub(crate) fn remove(&mut self, user_id: &UserId) {
        let Some(known) = self.rooms_of.remove(user_id) else { return };
        for room_id in known.rooms {
            self.leave(&room_id, user_id);
        }
    }

    /// Notes that somebody came into a room or left it.
    pub(crate) fn note_member(
        &mut self,
        room_id: &RoomId,
        user_id: &UserId,
        joined: bool,
        position: Position,
    ) {
        let Some(known) = self.rooms_of.get_mut(user_id) else { return };
        if position <= known.read_at {
            return;
        }
        if joined {
            known.rooms.insert(room_id.to_owned());
            self.listeners.entry(room_id.to_owned()).or_default().insert(user_id.to_owned());
        } else {
            known.rooms.remove(room_id);
            self.leave(room_id, user_id);
        }
    }

    fn leave(&mut self, room_id: &RoomId, user_id: &UserId) {
        if let Some(listeners) = self.listeners.get_mut(room_id) {
            listeners.remove(user_id);
            if listeners.is_empty() {
                self.listeners.remove(room_id);
            }
        }
    }

    /// Whether a user has pushers, as far as is known.
    pub(crate) fn has(&self, user_id: &UserId) -> bool {
        self.rooms_of.contains_key(user_id)
    }

    /// Whether anybody in a room has pushers.
    pub(crate) fn listens_in(&self, room_id: &RoomId) -> bool {
        self.listeners.contains_key(room_id)
    }

    /// Who has pushers in a room.
    pub(crate) fn listeners(&self, room_id: &RoomId) -> Vec<OwnedUserId> {
        self.listeners.get(room_id).into_iter().flatten().cloned().collect()
    }

    /// Who was invited where when the users were read; only the first time that it is asked.
    pub(crate) fn take_invited(&mut self) -> Vec<Invited> {
        std::mem::take(&mut self.invited)
    }

    /// The rooms in which anybody has pushers.
    pub(crate) fn rooms(&self) -> Vec<OwnedRoomId> {
        self.listeners.keys().cloned().collect()
    }
}
