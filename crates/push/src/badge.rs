//! How many messages a user has not read in all their rooms: the number on an app's icon.
//!
//! A room's number is counted anew only when something happens in it for the user. All of it is a
//! cache of what [`Unread`] counts.

use std::{collections::HashMap, sync::Arc};

use pli_rooms::{IgnoredUsers, MembershipKind, RecentWanted, Rooms, UserRoom};
use pli_store::Snapshot;
use quick_cache::sync::Cache;
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use tokio::sync::Mutex;

use crate::{PushError, Unread, UnreadOf};

/// How many users' numbers are kept.
const KEPT_USERS: usize = 20_000;
/// How many rooms are counted before other tasks get their turn.
const ROOMS_AT_ONCE: usize = 16;

/// The numbers of users' unread messages. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Badges {
    rooms: Rooms,
    unread: Unread,
    known: Arc<Cache<OwnedUserId, Arc<Mutex<Badge>>>>,
}

#[derive(Default)]
struct Badge {
    /// Whether all rooms were counted.
    is_complete: bool,
    /// Whom the user ignored then.
    ignored: IgnoredUsers,
    /// The rooms with unread messages, and how many.
    rooms: HashMap<OwnedRoomId, u64>,
}

impl Badge {
    fn set(&mut self, room_id: &RoomId, count: u64) {
        if count == 0 {
            self.rooms.remove(room_id);
        } else {
            self.rooms.insert(room_id.to_owned(), count);
        }
    }

    fn total(&self) -> u64 {
        self.rooms.values().sum()
    }
}

impl Badges {
    pub(crate) fn new(rooms: Rooms, unread: Unread) -> Self {
        Self { rooms, unread, known: Arc::new(Cache::new(KEPT_USERS)) }
    }

    /// A user's number of unread messages, after something happened in a room; and what it was
    /// before, if that is known.
    pub(crate) async fn after_news(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<(u64, Option<u64>), PushError> {
        let badge = self.of(user_id);
        let mut badge = badge.lock().await;
        let before = badge.is_complete.then(|| badge.total());
        let ignored = self.rooms.ignored_users(snapshot, user_id).await?;
        if badge.is_complete && badge.ignored == ignored {
            let user_room = self.rooms.user_room(snapshot, user_id, room_id).await?;
            let count = match &user_room {
                Some(user_room) => self.count(snapshot, user_id, &ignored, user_room).await?,
                None => 0,
            };
            badge.set(room_id, count);
        } else {
            badge.rooms.clear();
            let user_rooms = self.rooms.user_rooms(snapshot, user_id).await?;
            for (index, user_room) in user_rooms.iter().enumerate() {
                if index % ROOMS_AT_ONCE == ROOMS_AT_ONCE - 1 {
                    tokio::task::yield_now().await;
                }
                let count = self.count(snapshot, user_id, &ignored, user_room).await?;
                badge.set(&user_room.room_id, count);
            }
            badge.is_complete = true;
            badge.ignored = ignored;
        }
        Ok((badge.total(), before))
    }

    fn of(&self, user_id: &UserId) -> Arc<Mutex<Badge>> {
        if let Some(known) = self.known.get(user_id) {
            return known;
        }
        let new = Arc::new(Mutex::new(Badge::default()));
        self.known.insert(user_id.to_owned(), Arc::clone(&new));
        new
    }

    async fn count(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        ignored: &IgnoredUsers,
        user_room: &UserRoom,
    ) -> Result<u64, PushError> {
        match user_room.membership {
            // An invitation waits to be seen, if it is ever shown.
            MembershipKind::Invite => {
                let (rooms, invite) = (&self.rooms, user_room);
                let is_unwanted =
                    rooms.is_unwanted_invite(snapshot, user_id, ignored, invite).await?;
                return Ok(u64::from(!is_unwanted));
            }
            MembershipKind::Join => {}
            _ => return Ok(0),
        }
        let rules = self.unread.rules(snapshot, user_id).await?;
        let position = snapshot.position();
        let wanted =
            RecentWanted { events_after: user_room.since, events: 1, receipts_after: position };
        let recent = self.rooms.recent(snapshot, &user_room.room_id, position, &wanted).await?;
        let Some(recent) = recent else { return Ok(0) };
        let of = UnreadOf { user_id, rules: &rules, ignored, user_room, recent: &recent };
        Ok(self.unread.count(snapshot, of).await?.total().notifications)
    }
}
