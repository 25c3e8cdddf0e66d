//! Presence: who is there (client-server API, section "Presence"). Off unless configured.
//!
//! Who is there lives in memory and is forgotten with the process; what outlives it is the status
//! message and when somebody was active last. Nothing happens when a message is sent but that its
//! sender's clock is set back; when somebody comes, goes or falls idle, those are told who share a
//! room with them and sync.

mod answer;
mod person;
mod timers;

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use pli_accounts::Requester;
use pli_rooms::Rooms;
use pli_store::{
    Batch, Keyspace, KeyspaceInfo, Record, Snapshot, Store, StoreError, ambient::Ambient,
};
use ruma::{
    OwnedRoomId, OwnedUserId, UInt, UserId,
    events::presence::{PresenceEvent, PresenceEventContent},
    presence::PresenceState,
};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use self::person::Person;
use crate::{Notifier, SyncError};

/// user → what outlives the process.
const PRESENCE: Keyspace<OwnedUserId, PresenceRow> = Keyspace::new("presence");

/// The keyspaces of this crate.
pub const KEYSPACES: &[KeyspaceInfo] = &[PRESENCE.info()];

/// For how long after their last action somebody is told to be active right now.
const CURRENTLY_ACTIVE_FOR_MS: u64 = 60_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PresenceRow {
    status_msg: Option<String>,
    /// In milliseconds since the Unix epoch; `None`: never.
    last_active_ms: Option<u64>,
}

impl Record for PresenceRow {}

/// What somebody is told of somebody's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceNow {
    /// Whether they are there.
    pub state: PresenceState,
    /// What they say about it.
    pub status_msg: Option<String>,
    /// Whether they did something within the last minute.
    pub currently_active: Option<bool>,
    /// How long ago they did something last.
    pub last_active_ago: Option<Duration>,
}

impl PresenceNow {
    fn offline(row: PresenceRow, now_ms: u64) -> Self {
        let ago = |then_ms| Duration::from_millis(now_ms.saturating_sub(then_ms));
        Self {
            state: PresenceState::Offline,
            status_msg: row.status_msg,
            currently_active: None,
            last_active_ago: row.last_active_ms.map(ago),
        }
    }

    fn into_event(self, sender: OwnedUserId) -> PresenceEvent {
        let mut content = PresenceEventContent::new(self.state);
        content.status_msg = self.status_msg;
        content.currently_active = self.currently_active;
        content.last_active_ago = self
            .last_active_ago
            .map(|ago| UInt::new_saturating(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)));
        PresenceEvent { content, sender }
    }
}

/// Who is there. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Presence {
    inner: Arc<Inner>,
}

struct Inner {
    is_enabled: bool,
    store: Store,
    ambient: Ambient,
    rooms: Rooms,
    notifier: Notifier,
    people: Mutex<HashMap<OwnedUserId, Person>>,
    /// For others than clients.
    announced: broadcast::Sender<Announced>,
}

/// How many announcements a slow subscriber may lag behind.
const ANNOUNCED_CAPACITY: usize = 1024;

/// Somebody's presence, just changed.
#[derive(Clone, Debug)]
pub struct Announced {
    /// How it is now.
    pub event: PresenceEvent,
    /// The rooms that they are joined to.
    pub rooms: Vec<OwnedRoomId>,
}

impl Presence {
    /// Nobody is there yet. If it isn't enabled, everybody is told to be offline.
    #[must_use]
    pub(crate) fn new(
        is_enabled: bool,
        store: Store,
        ambient: Ambient,
        rooms: Rooms,
        notifier: Notifier,
    ) -> Self {
        let people = Mutex::default();
        let (announced, _) = broadcast::channel(ANNOUNCED_CAPACITY);
        let inner = Inner { is_enabled, store, ambient, rooms, notifier, people, announced };
        Self { inner: Arc::new(inner) }
    }

    /// Whose presence changes, from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Announced> {
        self.inner.announced.subscribe()
    }

    /// Somebody's presence, as somebody else sees it; `None`: it is not for them to see, because they
    /// share no room.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(
        &self,
        reader: &UserId,
        user_id: &UserId,
    ) -> Result<Option<PresenceNow>, SyncError> {
        let Inner { is_enabled, store, rooms, ambient, .. } = &*self.inner;
        if !is_enabled {
            return Ok(Some(PresenceNow::offline(PresenceRow::default(), ambient.now_ms())));
        }
        let snapshot = store.snapshot().await?;
        if reader != user_id && !rooms.share_room(&snapshot, reader, user_id).await? {
            return Ok(None);
        }
        Ok(Some(self.now(&snapshot, user_id).await?))
    }

    /// Says that somebody is there, idle or gone, and what they say about it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set(
        &self,
        requester: &Requester,
        state: PresenceState,
        status_msg: Option<String>,
    ) -> Result<(), SyncError> {
        if !self.inner.is_enabled {
            return Ok(());
        }
        let now_ms = self.inner.ambient.now_ms();
        self.meet(&requester.user_id).await?;
        let row = self.change(&requester.user_id, |person| {
            person.status_msg = status_msg;
            person.device(&requester.device_id, now_ms).set(state, now_ms);
            PresenceRow {
                status_msg: person.status_msg.clone(),
                last_active_ms: Some(person.last_active_ms()),
            }
        });
        let (row, is_news) = row;
        if let Some(row) = row {
            self.write(&requester.user_id, &row).await?;
        }
        if is_news {
            self.announce(&requester.user_id).await?;
        }
        Ok(())
    }

    /// Notes that a device syncs, for as long as the result lives. `state` is how it wants to be
    /// seen; who wants to be seen offline is not noted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn syncing(
        &self,
        requester: &Requester,
        state: PresenceState,
    ) -> Result<Option<Syncing>, SyncError> {
        let known = [PresenceState::Online, PresenceState::Unavailable];
        if !self.inner.is_enabled || !known.contains(&state) {
            return Ok(None);
        }
        let now_ms = self.inner.ambient.now_ms();
        self.meet(&requester.user_id).await?;
        let (_, is_news) = self.change(&requester.user_id, |person| {
            let device = person.device(&requester.device_id, now_ms);
            device.begin_sync(state, now_ms);
        });
        let syncing = Syncing { presence: self.clone(), requester: requester.clone() };
        if is_news {
            self.announce(&requester.user_id).await?;
        }
        Ok(Some(syncing))
    }

    /// Notes that somebody does something. Cheap: nothing but a look into memory, unless they were
    /// idle.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn active(&self, requester: &Requester) -> Result<(), SyncError> {
        if !self.inner.is_enabled {
            return Ok(());
        }
        let now_ms = self.inner.ambient.now_ms();
        let (_, is_news) = self.change(&requester.user_id, |person| {
            person.was_active(&requester.device_id, now_ms);
        });
        if is_news {
            Box::pin(self.announce(&requester.user_id)).await?;
        }
        Ok(())
    }

    /// Makes sure that somebody is known.
    async fn meet(&self, user_id: &UserId) -> Result<(), SyncError> {
        if self.inner.people.lock().contains_key(user_id) {
            return Ok(());
        }
        let row = self.inner.store.snapshot().await?.get(&PRESENCE, user_id).await?;
        let row = row.unwrap_or_default();
        let mut people = self.inner.people.lock();
        people.entry(user_id.to_owned()).or_insert_with(|| Person::new(row.status_msg));
        Ok(())
    }

    /// Changes somebody who is known. Returns what the change gives, and whether others are to be
    /// told of it.
    fn change<T>(
        &self,
        user_id: &UserId,
        edit: impl FnOnce(&mut Person) -> T,
    ) -> (Option<T>, bool) {
        let now_ms = self.inner.ambient.now_ms();
        let mut people = self.inner.people.lock();
        let Some(person) = people.get_mut(user_id) else { return (None, false) };
        let result = edit(person);
        (Some(result), person.tell(now_ms))
    }

    /// Tells those who share a room with somebody, and sync, that something changed.
    async fn announce(&self, user_id: &UserId) -> Result<(), SyncError> {
        let Inner { store, rooms, notifier, announced, .. } = &*self.inner;
        let snapshot = store.snapshot().await?;
        let joined = rooms.joined_rooms(&snapshot, user_id).await?;
        if announced.receiver_count() > 0 {
            let event = self.now(&snapshot, user_id).await?.into_event(user_id.to_owned());
            // Nobody listening any more is no error.
            let _ = announced.send(Announced { event, rooms: joined.clone() });
        }
        drop(snapshot);
        notifier.touch_presence(user_id, &joined);
        Ok(())
    }

    async fn write(&self, user_id: &UserId, row: &PresenceRow) -> Result<(), SyncError> {
        let mut batch = Batch::new();
        batch.put(&PRESENCE, user_id, row);
        let committed = self.inner.store.commit(batch).await;
        committed.map(drop).map_err(|error| match error {
            pli_store::CommitError::Store(error) => error.into(),
            // Nothing was required.
            pli_store::CommitError::Conflict(conflict) => {
                StoreError::Corrupt(format!("presence: {conflict:?}")).into()
            }
        })
    }

    /// Somebody's presence as it is now.
    async fn now(&self, snapshot: &Snapshot, user_id: &UserId) -> Result<PresenceNow, SyncError> {
        let now_ms = self.inner.ambient.now_ms();
        if let Some(person) = self.inner.people.lock().get(user_id) {
            return Ok(person.now(now_ms));
        }
        let row = snapshot.get(&PRESENCE, user_id).await?.unwrap_or_default();
        Ok(PresenceNow::offline(row, now_ms))
    }
}

/// A device that syncs: it counts as being there for as long as this lives, and a little longer.
pub struct Syncing {
    presence: Presence,
    requester: Requester,
}

impl Drop for Syncing {
    fn drop(&mut self) {
        let Inner { ambient, people, .. } = &*self.presence.inner;
        let now_ms = ambient.now_ms();
        if let Some(person) = people.lock().get_mut(&self.requester.user_id) {
            person.device(&self.requester.device_id, now_ms).end_sync(now_ms);
        }
    }
}
