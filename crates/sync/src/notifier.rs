//! Who waits for what: one wake-up per waiting user.
//!
//! The notifier reads the store's commits in order and keeps, for every *active* user (one who
//! synced lately), which of their rooms changed and where. A long-poll waits on its user's one
//! wake-up, never on its rooms; a sync with nothing new is answered from one comparison; a sync
//! with news visits only the rooms that have some.
//!
//! All of it is a cache of the log. A user who isn't active, or whose token is older than what the
//! notifier has seen, is answered from the store and becomes active by that.

mod active;
mod changed;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use pli_rooms::{RoomError, Rooms};
use pli_store::{Committed, Position, Store, Touch, ambient::Clock};
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};

pub use self::active::{Changes, News};
use self::{
    active::{ActiveUser, Index},
    changed::ChangedRooms,
};

/// How long a user stays active after their last sync. Longer than any client's pause between polls.
const ACTIVE_FOR: Duration = Duration::from_secs(15 * 60);

type RoomsOfUsers = HashMap<OwnedUserId, HashSet<OwnedRoomId>>;

/// The notifier. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Notifier {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// How far the log has been read.
    processed: watch::Sender<Position>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    users: HashMap<OwnedUserId, ActiveUser>,
    /// The active users who are joined to a room.
    joined: HashMap<OwnedRoomId, HashSet<OwnedUserId>>,
    changed: ChangedRooms,
    ephemeral: u64,
    /// When users who were not seen for long were last looked for.
    swept_ms: u64,
}

impl Notifier {
    /// A notifier that follows the store's commits in a task of its own, until the store is gone.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn start(
        store: &Store,
        rooms: Rooms,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, pli_store::StoreError> {
        let commits = store.subscribe();
        let position = store.position().await?;
        let mut state = State::default();
        state.changed.forget(position);
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            processed: watch::Sender::new(position),
            clock,
        });
        let follower = Follower { shared: Arc::clone(&shared), store: store.clone(), rooms };
        tokio::spawn(follower.follow(commits));
        Ok(Self { shared })
    }

    /// How far the log has been read.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.shared.processed.borrow()
    }

    /// Waits until everything up to `position` has been taken in. Hold no snapshot meanwhile: the
    /// notifier may need one to go on.
    pub async fn reach(&self, position: Position) {
        let mut processed = self.shared.processed.subscribe();
        // The sender lives as long as `self`, so waiting can't fail.
        let _ = processed.wait_for(|reached| *reached >= position).await;
    }

    /// Starts following a user. Returns whether they were followed already.
    ///
    /// After a `false`, read the user's joined rooms from a fresh snapshot and give them to
    /// [`Notifier::set_joined_rooms`]; memberships that change meanwhile are not lost.
    pub fn follow(&self, user_id: &UserId) -> bool {
        let now_ms = self.shared.clock.now_ms();
        let mut state = self.shared.state.lock();
        let position = *self.shared.processed.borrow();
        let ephemeral = state.ephemeral;
        state.sweep(now_ms);
        if let Some(user) = state.users.get_mut(user_id) {
            user.last_seen_ms = now_ms;
            return user.index == Index::Complete;
        }
        state.users.insert(user_id.to_owned(), ActiveUser::new(position, ephemeral, now_ms));
        false
    }

    /// Completes what [`Notifier::follow`] began.
    pub fn set_joined_rooms(&self, user_id: &UserId, rooms: impl IntoIterator<Item = OwnedRoomId>) {
        let mut guard = self.shared.state.lock();
        // Read under the lock: `process` publishes its position before it lets go of it.
        let position = *self.shared.processed.borrow();
        let state = &mut *guard;
        let Some(user) = state.users.get_mut(user_id) else { return };
        let meanwhile = match std::mem::replace(&mut user.index, Index::Complete) {
            Index::Complete => return,
            Index::Building { changed } => changed,
        };
        user.complete_since = position;
        user.typing_since = state.ephemeral;
        let mut joined: HashSet<OwnedRoomId> = rooms.into_iter().collect();
        for (room_id, is_joined) in meanwhile {
            if is_joined {
                joined.insert(room_id);
            } else {
                joined.remove(&room_id);
            }
        }
        for room_id in &joined {
            state.joined.entry(room_id.clone()).or_default().insert(user_id.to_owned());
        }
        user.joined = joined;
    }

    /// What is new for a user since a token.
    pub fn changes(&self, user_id: &UserId, since: Position, ephemeral: u64) -> Changes {
        let state = self.shared.state.lock();
        // A token from before a restart counts typing higher than this process does.
        let ephemeral = if ephemeral > state.ephemeral { 0 } else { ephemeral };
        state
            .users
            .get(user_id)
            .map_or(Changes::Unknown, |user| user.changes_since(since, ephemeral))
    }

    /// The position of the last commit that wrote anything about a room, or a later one. Right for
    /// every snapshot that shows nothing after [`Notifier::position`].
    pub fn room_changed(&self, room_id: &RoomId) -> Position {
        self.shared.state.lock().changed.last_change(room_id)
    }

    /// A receiver that is woken when anything changes for a user after now. `None` if the user is
    /// not followed.
    pub fn watch(&self, user_id: &UserId) -> Option<watch::Receiver<()>> {
        Some(self.shared.state.lock().users.get(user_id)?.wake.subscribe())
    }

    /// How far typing has been counted; belongs into the next token.
    pub fn ephemeral(&self) -> u64 {
        self.shared.state.lock().ephemeral
    }

    /// Says that something that lives only in memory (typing) changed in a room.
    pub fn touch_ephemeral(&self, room_id: &RoomId) {
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        state.ephemeral += 1;
        for user_id in state.joined.get(room_id).into_iter().flatten() {
            if let Some(user) = state.users.get_mut(user_id) {
                user.touch_typing(room_id, state.ephemeral);
            }
        }
    }

    /// Says that somebody's presence changed, to the others in the rooms that they are joined to.
    pub fn touch_presence(&self, user_id: &UserId, rooms: &[OwnedRoomId]) {
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        state.ephemeral += 1;
        let members = rooms.iter().filter_map(|room_id| state.joined.get(room_id)).flatten();
        let others: HashSet<&OwnedUserId> = members.filter(|other| *other != user_id).collect();
        for other in others {
            if let Some(user) = state.users.get_mut(other) {
                user.touch_presence(user_id, state.ephemeral);
            }
        }
    }

    /// Whether two users are joined to the same room; `None` unless both are followed.
    pub fn share_room(&self, one: &UserId, other: &UserId) -> Option<bool> {
        let state = self.shared.state.lock();
        let followed =
            |user_id| state.users.get(user_id).filter(|user| user.index == Index::Complete);
        let (one, other) = (followed(one)?, followed(other)?);
        Some(!one.joined.is_disjoint(&other.joined))
    }

    /// Which of a room's joined members are followed.
    pub fn followed_members(&self, room_id: &RoomId) -> Vec<OwnedUserId> {
        let state = self.shared.state.lock();
        state.joined.get(room_id).into_iter().flatten().cloned().collect()
    }
}

/// The task that reads the log.
struct Follower {
    shared: Arc<Shared>,
    store: Store,
    rooms: Rooms,
}

impl Follower {
    async fn follow(self, mut commits: broadcast::Receiver<Arc<Committed>>) {
        let mut missed_some = false;
        loop {
            match commits.recv().await {
                Ok(committed) => {
                    if std::mem::take(&mut missed_some) {
                        self.shared.forget_everything(committed.position);
                    }
                    if committed.missed_some() {
                        self.shared.forget_everything(committed.position.next());
                    }
                    let rooms = self.rooms_of_unfollowed(&committed).await;
                    self.shared.process(&committed, &rooms);
                }
                Err(RecvError::Lagged(count)) => {
                    tracing::warn!(count, "the notifier fell behind and starts afresh");
                    missed_some = true;
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// The rooms of those whose devices changed and who are not followed: only who shares one with
    /// them is woken. Somebody who is missing here could not be looked up.
    async fn rooms_of_unfollowed(&self, committed: &Committed) -> RoomsOfUsers {
        let mut found = RoomsOfUsers::new();
        for touch in &committed.touched {
            let Touch::DeviceList(user_id) = touch else { continue };
            if self.shared.state.lock().is_followed(user_id) {
                continue;
            }
            match self.rooms_of(user_id).await {
                Ok(rooms) => drop(found.insert(user_id.clone(), rooms)),
                Err(error) => tracing::warn!(%error, "everybody is told of changed devices"),
            }
        }
        found
    }

    async fn rooms_of(&self, user_id: &UserId) -> Result<HashSet<OwnedRoomId>, RoomError> {
        let snapshot = self.store.snapshot().await?;
        Ok(self.rooms.joined_rooms(&snapshot, user_id).await?.into_iter().collect())
    }
}

impl Shared {
    fn process(&self, committed: &Committed, rooms_of_unfollowed: &RoomsOfUsers) {
        let mut state = self.state.lock();
        // The subscription began before the first position was read.
        if committed.position <= *self.processed.borrow() {
            return;
        }
        for touch in &committed.touched {
            state.touch(touch, committed.position, rooms_of_unfollowed);
        }
        self.processed.send_replace(committed.position);
        drop(state);
    }

    /// After commits were missed: nothing that is cached about users can be trusted. `next` is the
    /// first commit after the gap.
    fn forget_everything(&self, next: Position) {
        let mut state = self.state.lock();
        // Who waits is woken by this, and looks again.
        state.users.clear();
        state.joined.clear();
        let before = Position(next.0.saturating_sub(1));
        state.changed.forget(before);
        self.processed.send_if_modified(|processed| {
            let is_ahead = before > *processed;
            *processed = before.max(*processed);
            is_ahead
        });
    }
}

impl State {
    /// Whether a user's rooms are known here.
    fn is_followed(&self, user_id: &UserId) -> bool {
        self.users.get(user_id).is_some_and(|user| user.index == Index::Complete)
    }

    fn touch(&mut self, touch: &Touch, position: Position, rooms_of_unfollowed: &RoomsOfUsers) {
        match touch {
            Touch::Room(room_id) => {
                self.changed.touch(room_id, position);
                for user_id in self.joined.get(room_id).into_iter().flatten() {
                    if let Some(user) = self.users.get_mut(user_id) {
                        user.touch_room(room_id, position);
                    }
                }
            }
            Touch::User(user_id) => {
                if let Some(user) = self.users.get_mut(user_id) {
                    user.touch_self(position);
                }
            }
            Touch::Member { room_id, user_id, joined } => {
                self.changed.touch(room_id, position);
                self.change_membership(room_id, user_id, *joined, position);
            }
            Touch::DeviceList(changed) => {
                self.touch_device_list(changed, position, rooms_of_unfollowed.get(changed));
            }
            // Nothing that anybody waits for; after missed commits everything was forgotten.
            Touch::Row { .. } | Touch::Everything => {}
        }
    }

    fn change_membership(
        &mut self,
        room_id: &OwnedRoomId,
        user_id: &OwnedUserId,
        joined: bool,
        position: Position,
    ) {
        let Some(user) = self.users.get_mut(user_id) else { return };
        user.touch_room(room_id, position);
        user.touch_self(position);
        if let Index::Building { changed } = &mut user.index {
            changed.push((room_id.clone(), joined));
        } else if joined {
            user.joined.insert(room_id.clone());
            self.joined.entry(room_id.clone()).or_default().insert(user_id.clone());
        } else {
            user.joined.remove(room_id);
            if let Some(members) = self.joined.get_mut(room_id) {
                members.remove(user_id);
                if members.is_empty() {
                    self.joined.remove(room_id);
                }
            }
        }
    }

    /// Wakes the followed users who share a room with the one whose devices changed. If that one's
    /// rooms aren't known, everybody is woken to look for themselves.
    fn touch_device_list(
        &mut self,
        changed: &OwnedUserId,
        position: Position,
        rooms_if_unfollowed: Option<&HashSet<OwnedRoomId>>,
    ) {
        let mut rooms = rooms_if_unfollowed.cloned();
        if let Some(user) = self.users.get_mut(changed) {
            user.touch_device_lists(position);
            if user.index == Index::Complete {
                rooms = Some(user.joined.clone());
            }
        }
        match rooms {
            Some(rooms) => {
                for room_id in &rooms {
                    for user_id in self.joined.get(room_id).into_iter().flatten() {
                        if let Some(user) = self.users.get_mut(user_id) {
                            user.touch_device_lists(position);
                        }
                    }
                }
            }
            None => {
                for user in self.users.values_mut() {
                    user.touch_device_lists(position);
                }
            }
        }
    }

    /// Lets go of users who did not sync for long and wait for nothing. Looks once a minute.
    fn sweep(&mut self, now_ms: u64) {
        let active_for_ms = u64::try_from(ACTIVE_FOR.as_millis()).unwrap_or(u64::MAX);
        if now_ms.saturating_sub(self.swept_ms) < 60_000 {
            return;
        }
        self.swept_ms = now_ms;
        let joined = &mut self.joined;
        self.users.retain(|user_id, user| {
            let idle = now_ms.saturating_sub(user.last_seen_ms) > active_for_ms;
            let keep = !idle || user.wake.receiver_count() > 0;
            if !keep {
                for room_id in &user.joined {
                    if let Some(members) = joined.get_mut(room_id) {
                        members.remove(user_id);
                        if members.is_empty() {
                            joined.remove(room_id);
                        }
                    }
                }
            }
            keep
        });
    }
}
