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

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use pli_store::{Committed, Position, Store, Touch, ambient::Clock};
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use tokio::sync::{broadcast::error::RecvError, watch};

use self::active::{ActiveUser, Index};
pub use self::active::{Changes, News};

/// How long a user stays active after their last sync. Longer than any client's pause between polls.
const ACTIVE_FOR: Duration = Duration::from_secs(15 * 60);

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
        clock: Arc<dyn Clock>,
    ) -> Result<Self, pli_store::StoreError> {
        let mut commits = store.subscribe();
        let position = store.position().await?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            processed: watch::Sender::new(position),
            clock,
        });
        let notifier = Self { shared: Arc::clone(&shared) };
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                match commits.recv().await {
                    Ok(committed) => shared.process(&committed),
                    Err(RecvError::Lagged(_)) => {
                        // Some commits were missed: what is cached about users can't be trusted.
                        tracing::warn!("the notifier fell behind and starts afresh");
                        match store.position().await {
                            Ok(position) => shared.forget_everything(position),
                            Err(error) => tracing::error!(%error, "the notifier can't catch up"),
                        }
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Ok(notifier)
    }

    /// Waits until everything up to `position` has been taken in.
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
        let position = *self.shared.processed.borrow();
        let mut state = self.shared.state.lock();
        state.sweep(now_ms);
        if let Some(user) = state.users.get_mut(user_id) {
            user.last_seen_ms = now_ms;
            return user.index == Index::Complete;
        }
        state.users.insert(user_id.to_owned(), ActiveUser::new(position, now_ms));
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

    /// Which of a room's joined members are followed.
    pub fn followed_members(&self, room_id: &RoomId) -> Vec<OwnedUserId> {
        let state = self.shared.state.lock();
        state.joined.get(room_id).into_iter().flatten().cloned().collect()
    }
}

impl Shared {
    fn process(&self, committed: &Committed) {
        let mut state = self.state.lock();
        for touch in &committed.touched {
            state.touch(touch, committed.position);
        }
        self.processed.send_replace(committed.position);
        drop(state);
    }

    fn forget_everything(&self, position: Position) {
        let mut state = self.state.lock();
        for user in state.users.values() {
            user.wake.send_replace(());
        }
        state.users.clear();
        state.joined.clear();
        self.processed.send_replace(position);
    }
}

impl State {
    fn touch(&mut self, touch: &Touch, position: Position) {
        match touch {
            Touch::Room(room_id) => {
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
                self.change_membership(room_id, user_id, *joined, position);
            }
            Touch::DeviceList(changed) => self.touch_device_list(changed, position),
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

    /// Wakes the followed users who share a room with the one whose devices changed. If that one is
    /// not followed their rooms aren't known here, so everybody is woken to look for themselves:
    /// rare, and cheap, for devices change when somebody signs in or out.
    fn touch_device_list(&mut self, changed: &OwnedUserId, position: Position) {
        let rooms = match self.users.get_mut(changed) {
            Some(user) => {
                user.touch_device_lists(position);
                matches!(user.index, Index::Complete).then(|| user.joined.clone())
            }
            None => None,
        };
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
