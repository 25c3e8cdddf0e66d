use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use pli_events::SigningKey;
use pli_store::{Store, ambient::Ambient};
use quick_cache::sync::Cache;
use ruma::{OwnedEventId, OwnedRoomId, OwnedServerName, RoomVersionId};
use tokio::sync::broadcast::error::RecvError;

use crate::{
    event::{EventWeight, RoomEvent},
    keyspaces::EVENT_INDEX,
    log::RoomLog,
    policy_server::PolicyServer,
    read::{RecentRoom, RecentWeight},
    state::StateTree,
    typing::Typing,
    visibility::KnownMoments,
};

/// What the rooms of this server are configured to be.
#[derive(Clone, Debug)]
pub struct RoomsConfig {
    /// This server's name.
    pub server_name: OwnedServerName,
    /// The version of new rooms, unless their creator asks for another one.
    pub default_room_version: RoomVersionId,
    /// The policy server of this server's domain, if it has one.
    pub policy_server: Option<PolicyServer>,
    /// About how many bytes of parsed events to keep in memory.
    pub event_cache_bytes: u64,
    /// About how many bytes of the ends of rooms to keep in memory.
    pub recent_cache_bytes: u64,
    /// About how many bytes of state nodes to keep in memory.
    pub state_cache_bytes: u64,
}

impl RoomsConfig {
    /// The usual configuration of a server: rooms of version 12.
    #[must_use]
    pub fn new(server_name: OwnedServerName) -> Self {
        Self {
            server_name,
            default_room_version: RoomVersionId::V12,
            policy_server: None,
            event_cache_bytes: 32 * 1024 * 1024,
            recent_cache_bytes: 32 * 1024 * 1024,
            state_cache_bytes: 32 * 1024 * 1024,
        }
    }
}

/// The rooms of this server. Cheap to clone.
#[derive(Clone)]
pub struct Rooms {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) ambient: Ambient,
    pub(crate) config: RoomsConfig,
    pub(crate) signing_key: SigningKey,
    pub(crate) typing: Typing,
    pub(crate) states: StateTree,
    /// Events that are on a timeline.
    pub(crate) events: Cache<OwnedEventId, Arc<RoomEvent>, EventWeight>,
    /// The position up to which events were rewritten, here or by other nodes: what was read of an
    /// older one may be out of date and is not remembered.
    pub(crate) events_changed_at: AtomicU64,
    /// The ends of rooms as they were read last.
    pub(crate) recent: Cache<OwnedRoomId, Arc<RecentRoom>, RecentWeight>,
    pub(crate) moments: KnownMoments,
    pub(crate) log: RoomLog,
    /// Held while words are written down that nobody waits for.
    pub(crate) indexing: Arc<tokio::sync::Mutex<()>>,
    /// Whether somebody reads the stream of news.
    pub(crate) keeps_news: AtomicBool,
}

impl Rooms {
    /// The rooms in a store.
    #[must_use]
    pub fn new(
        store: Store,
        ambient: Ambient,
        config: RoomsConfig,
        signing_key: SigningKey,
    ) -> Self {
        let usual_event_bytes = 2048;
        let items = usize::try_from(config.event_cache_bytes / usual_event_bytes);
        let events = Cache::with_weighter(
            items.unwrap_or(usize::MAX).max(16),
            config.event_cache_bytes,
            EventWeight,
        );
        let usual_room_bytes = 16 * 1024;
        let items = usize::try_from(config.recent_cache_bytes / usual_room_bytes);
        let recent = Cache::with_weighter(
            items.unwrap_or(usize::MAX).max(16),
            config.recent_cache_bytes,
            RecentWeight,
        );
        let states = StateTree::new(config.state_cache_bytes);
        let typing = Typing::new(ambient.clone());
        let inner = Inner {
            store,
            ambient,
            config,
            signing_key,
            typing,
            states,
            events,
            events_changed_at: AtomicU64::new(0),
            recent,
            moments: KnownMoments::new(),
            log: RoomLog::new(),
            indexing: Arc::default(),
            keeps_news: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Reads again what other nodes change of events (their redaction, above all), until the future
    /// is dropped. Needed where there are other nodes ([`Store::is_shared`]).
    pub fn follow_other_nodes(self) -> impl Future<Output = ()> + Send {
        let mut commits = self.inner.store.subscribe();
        async move {
            let events = &self.inner.events;
            let mut has_lagged = false;
            loop {
                match commits.recv().await {
                    Ok(committed) => {
                        let forgets_all = committed.missed_some() || has_lagged;
                        has_lagged = false;
                        let touched = committed.touched.iter();
                        let changed: Vec<_> =
                            touched.filter_map(|touch| touch.key_of(&EVENT_INDEX)).collect();
                        if !forgets_all && changed.is_empty() {
                            continue;
                        }
                        // Before they are forgotten: whoever remembers one afterwards sees this.
                        let position = committed.position.0;
                        self.inner.events_changed_at.fetch_max(position, Ordering::SeqCst);
                        if forgets_all {
                            events.clear();
                        }
                        for event_id in &changed {
                            events.remove(event_id);
                        }
                    }
                    // The next commit is later than those that were missed.
                    Err(RecvError::Lagged(_)) => has_lagged = true,
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    /// Who is typing where.
    #[must_use]
    pub fn typing(&self) -> &Typing {
        &self.inner.typing
    }
}
