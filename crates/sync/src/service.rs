use std::{sync::Arc, time::Duration};

use pli_accounts::to_device::ToDevice;
use pli_push::Unread;
use pli_rooms::{Rooms, Typing};
use pli_store::{Position, Store, StoreError, ambient::Ambient};
use ruma::{
    OwnedDeviceId, OwnedUserId,
    api::client::sync::sync_events::{DeviceLists, v3::Response},
};
use tokio::time::Instant;

use crate::{
    Changes, Notifier, SyncError, SyncRequest, SyncToken, answer::Answering, lazy::SentMembers,
};

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
    pub(crate) sent_members: SentMembers,
}

impl Sync {
    /// Starts following the store and who is typing.
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
    ) -> Result<Self, StoreError> {
        let notifier = Notifier::start(&store, ambient.clock).await?;
        follow_typing(&typing, notifier.clone());
        let sent_members = SentMembers::new();
        let inner = Inner { store, rooms, typing, unread, to_device, notifier, sent_members };
        Ok(Self { inner: Arc::new(inner) })
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
        let Inner { notifier, to_device, .. } = &*self.inner;
        if let Some(since) = &request.since {
            // Coming with a token says that everything up to it has arrived.
            let (user_id, device_id) = (&request.user_id, &request.device_id);
            to_device.acknowledge(user_id, device_id, since.to_device).await?;
        }

        let deadline = Instant::now() + request.timeout;
        tokio::pin!(stop);
        loop {
            self.follow(request).await?;
            // Taken before looking, so that nothing between looking and waiting is missed.
            let mut woken = notifier.watch(&request.user_id);
            let (response, is_empty) = self.answer(request).await?;
            if request.since.is_none() || request.full_state || !is_empty {
                return Ok(response);
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
                () = tokio::time::sleep_until(deadline) => return Ok(response),
                () = &mut stop => return Ok(response),
            }
        }
    }

    /// Makes sure that the notifier follows whoever asks.
    async fn follow(&self, request: &SyncRequest) -> Result<(), SyncError> {
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
        let Inner { store, notifier, .. } = &*self.inner;
        let ephemeral = notifier.ephemeral();
        let snapshot = store.snapshot().await?;
        let position = snapshot.position();
        // What the snapshot shows, the notifier must know of: it decides where to look.
        notifier.reach(position).await;
        let changes = match &request.since {
            Some(since) => notifier.changes(&request.user_id, since.position, since.ephemeral),
            None => Changes::Unknown,
        };
        let next = SyncToken { position, ephemeral, to_device: position };
        let answer = Answering::build(self, request, snapshot, changes, next).await?;
        let is_empty = answer.is_empty();
        Ok((answer.into_response(), is_empty))
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
