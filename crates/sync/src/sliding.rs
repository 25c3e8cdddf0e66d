//! Simplified sliding sync (MSC4186): windows onto the user's rooms, and connections that remember
//! what they were told.
//!
//! An answer costs what it tells: the windows are cut out of an order of the user's rooms that is
//! kept in memory, rooms outside of them are not read.

mod answer;
mod connection;
mod extensions;
mod order;
mod pos;
mod profiles;
mod request;
mod required_state;
mod response;
mod room;
mod room_state;
mod rows;
mod small_state;
mod sticky;
mod wanted;

use std::{sync::Weak, time::Duration};

use pli_store::{Position, ambient::Ambient};
use ruma::OwnedDeviceId;
use tokio::time::Instant;

use self::{
    answer::SlidingAnswering,
    connection::{Connections, Settled, SharedConnection, connection_key},
    extensions::position_since,
    order::Orders,
    pos::Pos,
    rows::ConnectionKey,
    small_state::SmallStates,
};
pub use self::{
    request::{
        Extensions, LimitedExtension, ListFilters, ListRequest, ProfilesExtension, RoomConfig,
        RoomsExtension, SlidingBody, SlidingRequest, StreamExtension, Switch,
    },
    required_state::RequiredState,
    response::{
        ExtensionsResult, Hero, ListResult, RoomResult, SlidingResponse, StickyEventsOfRoom,
        StickyEventsResult,
    },
    rows::{KEYSPACES, SLIDING_CONNECTION, SLIDING_SENT},
};
use crate::{Changes, Sync, SyncError, SyncRequest, SyncToken, answer::Answering, service::Inner};

/// How often connections that nobody uses are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// What sliding sync keeps in memory. All of it can be read again.
pub(crate) struct Sliding {
    pub(crate) ambient: Ambient,
    pub(crate) orders: Orders,
    pub(crate) connections: Connections,
    pub(crate) states: SmallStates,
}

impl Sliding {
    pub(crate) fn new(ambient: Ambient) -> Self {
        Self {
            ambient,
            orders: Orders::new(),
            connections: Connections::new(),
            states: SmallStates::new(),
        }
    }
}

/// What came of trying to answer.
enum Attempt {
    Answered(Box<SlidingResponse>),
    /// There is nothing to tell yet.
    Nothing,
    /// The connection changed elsewhere: try again.
    Overtaken,
}

impl Sync {
    /// What is new in the windows of a connection. Waits for it, up to the request's time-out or
    /// until `stop` is done.
    ///
    /// # Errors
    /// [`SyncError::UnknownPos`] if the connection has to begin anew, [`SyncError::InvalidRequest`];
    /// when the store fails.
    pub async fn sliding_sync(
        &self,
        request: &SlidingRequest,
        stop: impl Future<Output = ()>,
    ) -> Result<SlidingResponse, SyncError> {
        request.body.check().map_err(SyncError::InvalidRequest)?;
        let pos = match &request.pos {
            Some(pos) => Some(pos.parse::<Pos>().map_err(|()| SyncError::UnknownPos)?),
            None => None,
        };
        let base = base_request(request, pos.as_ref());
        let notifier = &self.inner.notifier;
        if let Some(pos) = &pos
            && pos.position > notifier.position()
            && pos.position > Box::pin(self.inner.store.position()).await?
        {
            // From a future that a restored backup doesn't know.
            return Err(SyncError::UnknownPos);
        }
        let to_device = self.acknowledge_to_device(request).await?;
        let sticky = &request.body.extensions.sticky_events;
        let sticky =
            position_since("sticky_events", sticky.since.as_deref())?.filter(|_| sticky.enabled);
        let key =
            connection_key(&request.user_id, &request.device_id, request.body.conn_id.as_deref());
        let mut connection = Box::pin(self.open(&key, pos.as_ref())).await?;
        let settled = pos.map(|pos| Settled {
            fingerprint: request.body.fingerprint(),
            position: pos.position,
            to_device,
            sticky,
        });

        let mut deadline = Instant::now() + request.timeout;
        tokio::pin!(stop);
        loop {
            // Boxed, so that what waits is small: thousands wait at once.
            Box::pin(self.follow(&base)).await?;
            // Taken before looking, so that nothing between looking and waiting is missed.
            let mut woken = notifier.watch(&request.user_id);
            let is_over = pos.is_none() || Instant::now() >= deadline;
            let only_waits = !is_over
                && connection.lock().await.settled == settled
                && pos.is_some_and(|pos| {
                    notifier.changes(&request.user_id, pos.position, pos.ephemeral)
                        == Changes::Nothing
                });
            if !only_waits {
                let attempt = self.attempt(request, &base, pos, &connection, is_over);
                match Box::pin(attempt).await? {
                    Attempt::Answered(response) => return Ok(*response),
                    Attempt::Nothing => {}
                    Attempt::Overtaken => {
                        connection = Box::pin(self.open(&key, pos.as_ref())).await?;
                        continue;
                    }
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

    async fn open(
        &self,
        key: &ConnectionKey,
        pos: Option<&Pos>,
    ) -> Result<SharedConnection, SyncError> {
        match pos {
            Some(pos) => self.connection(key, pos).await,
            None => Ok(self.new_connection(key.clone())),
        }
    }

    /// The answer as it is now, if there is one to give.
    async fn attempt(
        &self,
        request: &SlidingRequest,
        base: &SyncRequest,
        pos: Option<Pos>,
        shared: &SharedConnection,
        is_over: bool,
    ) -> Result<Attempt, SyncError> {
        let notifier = &self.inner.notifier;
        let mut connection = shared.lock().await;
        let since = pos.map(|pos| (pos.position, pos.epoch));
        let order = self.room_order(&request.user_id);
        let (wanted, snapshot, ephemeral, changes) = {
            let mut known = order.lock().await;
            let ephemeral = notifier.ephemeral();
            let snapshot = self.snapshot().await?;
            let changes = match &pos {
                Some(pos) => notifier.changes(&request.user_id, pos.position, pos.ephemeral),
                None => Changes::Unknown,
            };
            let known = self.refresh_order(&order, &mut known, &snapshot, &request.user_id).await?;
            let wanted = self.wanted(request, &mut connection, known, &snapshot, since).await?;
            (wanted, snapshot, ephemeral, changes)
        };
        let position = snapshot.position();
        let next = SyncToken { position, ephemeral, to_device: position, sticky: position };
        let mut answering = SlidingAnswering {
            base: Answering::new(self, base, snapshot, changes, next),
            request,
            direct: wanted.direct.clone(),
            told_to: told_to(request, connection.id()),
            speaks_merged_form: request.body.lists.values().any(|list| list.ranges.is_none()),
        };
        let told = answering.tell(&wanted, &connection, pos.map(|pos| pos.epoch)).await?;
        // Nothing is kept of the store while something is written to it.
        drop(answering);
        if !is_over && told.is_empty() {
            return Ok(Attempt::Nothing);
        }

        let now_ms = self.inner.sliding.ambient.now_ms();
        let mut epoch = pos.map_or(0, |pos| pos.epoch);
        if pos.is_none() || !told.changes.is_empty() || connection.is_untouched(now_ms) {
            if !self.remember(shared, &mut connection, epoch, told.changes).await? {
                return Ok(Attempt::Overtaken);
            }
            epoch = connection.epoch();
        }
        let is_all = !told.has_more_to_device && !told.has_more_sticky;
        connection.settled = is_all.then(|| Settled {
            fingerprint: request.body.fingerprint(),
            position,
            to_device: told.to_device,
            sticky: told.sticky,
        });
        let pos = Pos { position, ephemeral, connection: connection.id(), epoch };
        Ok(Attempt::Answered(Box::new(SlidingResponse {
            txn_id: request.body.txn_id.clone(),
            pos: pos.to_string(),
            lists: wanted.lists,
            rooms: told.rooms.into_iter().collect(),
            extensions: ExtensionsResult {
                known: told.extensions,
                sticky_events: told.sticky_events,
            },
        })))
    }

    /// Coming with a token of the extension says that everything up to it was dealt with. Returns
    /// the token's position.
    async fn acknowledge_to_device(
        &self,
        request: &SlidingRequest,
    ) -> Result<Option<Position>, SyncError> {
        let extension = &request.body.extensions.to_device;
        if !extension.enabled {
            return Ok(None);
        }
        let Some(position) = position_since("to_device", extension.since.as_deref())? else {
            return Ok(None);
        };
        if position > Box::pin(self.inner.store.position()).await? {
            return Ok(Some(position));
        }
        let token = SyncToken { position, ephemeral: 0, to_device: position, sticky: position };
        let acknowledged = SyncRequest { since: Some(token), ..base_request(request, None) };
        self.acknowledge(&acknowledged).await?;
        Ok(Some(position))
    }
}

/// What a sliding sync request has in common with one of `/sync`.
fn base_request(request: &SlidingRequest, pos: Option<&Pos>) -> SyncRequest {
    SyncRequest {
        user_id: request.user_id.clone(),
        device_id: request.device_id.clone(),
        since: pos.map(|pos| SyncToken {
            position: pos.position,
            ephemeral: pos.ephemeral,
            to_device: pos.position,
            sticky: pos.position,
        }),
        filter: std::sync::Arc::default(),
        full_state: false,
        use_state_after: true,
        timeout: request.timeout,
    }
}

/// Under which name it is remembered whom a connection was told of.
fn told_to(request: &SlidingRequest, connection: u64) -> OwnedDeviceId {
    format!("{}/{connection:016x}", request.device_id).into()
}

/// Drops connections that nobody uses, now and then, for as long as there is a service.
pub(crate) async fn sweep_now_and_then(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = (Sync { inner }).sweep_connections().await {
            tracing::error!(%error, "unused connections could not be removed");
        }
    }
}
