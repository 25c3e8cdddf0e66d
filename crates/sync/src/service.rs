use std::{sync::Arc, time::Duration};

use pli_accounts::to_device::ToDevice;
use pli_push::Unread;
use pli_rooms::{Rooms, StateRoot, Typing};
use pli_store::{Position, Snapshot, Store, StoreError, ambient::Ambient};
use quick_cache::sync::Cache;
use ruma::{
    OwnedDeviceId, OwnedRoomId, OwnedUserId,
    api::client::sync::sync_events::{DeviceLists, v3::Response},
};
use tokio::time::Instant;

use crate::{
    Changes, Notifier, Presence, SyncError, SyncRequest, SyncToken,
    answer::Answering,
    lazy::SentMembers,
    sliding::{self, Sliding},
};

/// How many states of rooms at tokens are remembered.
const CACHED_ROOTS: usize = 16_384;
/// Of how many devices it is remembered that their queues are empty.
const CACHED_QUEUES: usize = 50_000;

/// Answers `/sync`. Cheap to clone.
#[derive(Clone)]
pub struct Sync {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) rooms: Rooms,
    pub(crate) typing: Typing,
    pub(crate) unread: Unread,
    pub(crate) to_device: ToDevice,
    pub(crate) notifier: Notifier,
    pub(crate) presence: Presence,
    pub(crate) sent_members: SentMembers,
    /// The state of a room at a position; it never changes.
    pub(crate) roots: Cache<(OwnedRoomId, Position), StateRoot>,
    pub(crate) sliding: Sliding,
    /// Up to which position nothing is left in a device's queue of to-device messages.
    emptied: Cache<(OwnedUserId, OwnedDeviceId), Position>,
}

impl Sync {
    /// Starts following the store and who is typing. `tells_presence`: whether people are told who is
    /// there.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn start(
        store: Store,
        ambient: Ambient,
        rooms: Rooms,
        typing: Typing,
        unread: Unread,
        to_device: ToDevice,
        tells_presence: bool,
    ) -> Result<Self, StoreError> {
        let clock = Arc::clone(&ambient.clock);
        let notifier = Notifier::start(&store, rooms.clone(), clock).await?;
        let presence = Presence::new(
            tells_presence,
            store.clone(),
            ambient.clone(),
            rooms.clone(),
            notifier.clone(),
        );
        follow_typing(&typing, notifier.clone());
        let inner = Inner {
            store,
            rooms,
            typing,
            unread,
            to_device,
            notifier,
            presence,
            sent_members: SentMembers::new(),
            roots: Cache::new(CACHED_ROOTS),
            sliding: Sliding::new(ambient),
            emptied: Cache::new(CACHED_QUEUES),
        };
        let inner = Arc::new(inner);
        tokio::spawn(sliding::sweep_now_and_then(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// What is new for a device. Waits for it, up to the request's time-out or until `stop` is
    /// done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sync(
        &self,
        request: &SyncRequest,
        stop: impl Future<Output = ()>,
    ) -> Result<Response, SyncError> {
        let Inner { store, notifier, .. } = &*self.inner;
        let mut request = request.clone();
        if let Some(since) = request.since
            && since.position > notifier.position()
            && since.position > Box::pin(store.position()).await?
        {
            // A token from a future that a restored backup doesn't know: what has happened since is
            // not what the client saw, so it is told everything again.
            request.since = None;
        }
        let request = &request;
        self.acknowledge(request).await?;

        let mut deadline = Instant::now() + request.timeout;
        tokio::pin!(stop);
        loop {
            // Boxed, so that what waits is small: thousands wait at once.
            Box::pin(self.follow(request)).await?;
            // Taken before looking, so that nothing between looking and waiting is missed.
            let mut woken = notifier.watch(&request.user_id);
            let is_over = Instant::now() >= deadline;
            if is_over || !self.has_nothing_new(request) {
                let (response, is_empty) = Box::pin(self.answer(request)).await?;
                if is_over || request.since.is_none() || request.full_state || !is_empty {
                    return Ok(response);
                }
            }
            let changed = async {
                match &mut woken {
                    // An error means that the notifier starts afresh: look again.
                    Some(woken) => drop(woken.changed().await),
                    None => tokio::task::yield_now().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(deadline) => {}
                () = &mut stop => deadline = Instant::now(),
            }
        }
    }

    /// Whether waiting is all there is to do, as far as the notifier has read the log. Reads nothing:
    /// nearly every request comes before there is news.
    fn has_nothing_new(&self, request: &SyncRequest) -> bool {
        let Some(since) = request.since.filter(|_| !request.full_state) else { return false };
        let has_everything = since.to_device.min(since.sticky) >= since.position;
        let SyncToken { position, ephemeral, .. } = since;
        let changes = || self.inner.notifier.changes(&request.user_id, position, ephemeral);
        has_everything && changes() == Changes::Nothing
    }

    /// Coming with a token says that everything up to it has arrived.
    pub(crate) async fn acknowledge(&self, request: &SyncRequest) -> Result<(), SyncError> {
        let Inner { to_device, emptied, .. } = &*self.inner;
        let Some(since) = &request.since else { return Ok(()) };
        let up_to = since.to_device.min(since.position);
        let queue = (request.user_id.clone(), request.device_id.clone());
        if emptied.get(&queue).is_none_or(|emptied| emptied < up_to) {
            Box::pin(to_device.acknowledge(&request.user_id, &request.device_id, up_to)).await?;
            emptied.insert(queue, up_to);
        }
        Ok(())
    }

    /// Makes sure that the notifier follows whoever asks.
    pub(crate) async fn follow(&self, request: &SyncRequest) -> Result<(), SyncError> {
        let Inner { store, notifier, rooms, .. } = &*self.inner;
        if !notifier.follow(&request.user_id) {
            let snapshot = store.snapshot().await?;
            let joined = rooms.joined_rooms(&snapshot, &request.user_id).await?;
            notifier.set_joined_rooms(&request.user_id, joined);
        }
        Ok(())
    }

    /// The answer as it is now, and whether it says nothing that a waiting client should be told.
    async fn answer(&self, request: &SyncRequest) -> Result<(Response, bool), SyncError> {
        let Inner { notifier, emptied, .. } = &*self.inner;
        let ephemeral = notifier.ephemeral();
        let snapshot = self.snapshot().await?;
        let position = snapshot.position();
        let changes = match &request.since {
            Some(since) => notifier.changes(&request.user_id, since.position, since.ephemeral),
            None => Changes::Unknown,
        };
        let next = SyncToken { position, ephemeral, to_device: position, sticky: position };
        let answer = Answering::build(self, request, snapshot, changes, next).await?;
        let is_empty = answer.is_empty();
        if answer.has_no_to_device() {
            let queue = (request.user_id.clone(), request.device_id.clone());
            emptied.insert(queue, position);
        }
        Ok((answer.into_response(), is_empty))
    }

    /// A snapshot that shows nothing that the notifier doesn't know of: it decides where to look.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, SyncError> {
        let Inner { store, notifier, .. } = &*self.inner;
        loop {
            let snapshot = store.snapshot().await?;
            let position = snapshot.position();
            if position <= notifier.position() {
                return Ok(snapshot);
            }
            // Others need snapshots too, the notifier among them.
            drop(snapshot);
            notifier.reach(position).await;
        }
    }

    /// Whose device lists changed since a token, and whose the user need not follow any more
    /// (`/keys/changes`).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn key_changes(
        &self,
        user_id: OwnedUserId,
        device_id: OwnedDeviceId,
        since: SyncToken,
    ) -> Result<DeviceLists, SyncError> {
        let request = SyncRequest {
            user_id,
            device_id,
            since: Some(since),
            filter: Arc::default(),
            full_state: false,
            use_state_after: false,
            timeout: Duration::ZERO,
        };
        self.follow(&request).await?;
        let (response, _) = self.answer(&request).await?;
        Ok(response.device_lists)
    }

    /// Who is there.
    #[must_use]
    pub fn presence(&self) -> &Presence {
        &self.inner.presence
    }

    /// The notifier, for whoever else wants to know of changes.
    #[must_use]
    pub fn notifier(&self) -> &Notifier {
        &self.inner.notifier
    }
}

/// The position that a token starts from; an initial sync starts from nothing.
pub(crate) fn since_position(request: &SyncRequest) -> Position {
    request.since.map_or(Position::ZERO, |since| since.position)
}

fn follow_typing(typing: &Typing, notifier: Notifier) {
    let mut changes = typing.subscribe();
    tokio::spawn(async move {
        use tokio::sync::broadcast::error::RecvError;
        loop {
            match changes.recv().await {
                Ok(room_id) => notifier.touch_ephemeral(&room_id),
                // Who types is told again soon: typing notices repeat.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}
