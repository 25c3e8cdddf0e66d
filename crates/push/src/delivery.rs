//! Telling people's devices of what notifies, through their push gateways
//! ([push gateway API](https://spec.matrix.org/v1.19/push-gateway-api/)).
//!
//! One reader follows the log and notes, for each event, which pushers are to be told; its place in
//! the log and the notes are written together, so that a restart loses nothing. One courier for each
//! pusher with notes brings them, oldest first, again and again until the gateway has taken them or
//! they are too old to be news. A gateway that is down delays only who uses it.

mod audience;
mod courier;
mod gateways;
mod message;
pub(crate) mod pending;
mod reader;

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use pli_outbound::Outbound;
use pli_rooms::Rooms;
use pli_store::{Store, ambient::Ambient};
use tokio::task::JoinSet;

use self::{courier::Courier, gateways::Gateways, pending::PusherKey, reader::Reader};
use crate::{Arrivals, PushError, Unread, badge::Badges};

/// After how long a notification is no news any more: it is not told then.
const NEWS_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How long to wait when the store fails.
const STORE_RETRY: Duration = Duration::from_secs(5);
/// What nodes take turns in.
const TURN: &str = "push";

/// What delivering notifications needs.
#[expect(missing_docs, reason = "each field is what its name says")]
pub struct PushDeliveryParts {
    pub store: Store,
    pub ambient: Ambient,
    pub rooms: Rooms,
    pub unread: Unread,
    /// Who gets new pushers.
    pub arrivals: Arrivals,
    /// What reaches the gateways.
    pub outbound: Outbound,
}

/// Delivers notifications.
pub struct PushDelivery {
    shared: Arc<Shared>,
    arrivals: Arrivals,
}

pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) ambient: Ambient,
    pub(crate) rooms: Rooms,
    pub(crate) unread: Unread,
    pub(crate) badges: Badges,
    pub(crate) outbound: Outbound,
    pub(crate) gateways: Gateways,
    couriers: Mutex<Couriers>,
}

/// The couriers at work.
#[derive(Default)]
struct Couriers {
    tasks: JoinSet<()>,
    /// Whose courier is at work, and whether there is more for it than it has seen.
    at_work: HashMap<PusherKey, bool>,
}

impl PushDelivery {
    /// Ready to run.
    #[must_use]
    pub fn new(parts: PushDeliveryParts) -> Self {
        let PushDeliveryParts { store, ambient, rooms, unread, arrivals, outbound } = parts;
        let shared = Shared {
            badges: Badges::new(rooms.clone(), unread.clone()),
            gateways: Gateways::default(),
            couriers: Mutex::default(),
            store,
            ambient,
            rooms,
            unread,
            outbound,
        };
        Self { shared: Arc::new(shared), arrivals }
    }

    /// Works until the future is dropped. Dropping it loses nothing.
    pub async fn run(mut self) {
        loop {
            // Of several nodes one delivers; another one goes on when it is gone.
            let _turn = match self.shared.store.turn(TURN).await {
                Ok(turn) => turn,
                Err(error) => {
                    tracing::error!(%error, "whose turn it is to deliver notifications is not known");
                    tokio::time::sleep(STORE_RETRY).await;
                    continue;
                }
            };
            let _stop = StopCouriers(Arc::clone(&self.shared));
            if let Err(error) = self.shared.resume().await {
                tracing::error!(%error, "notifications that wait could not be read");
                tokio::time::sleep(STORE_RETRY).await;
                continue;
            }
            let reader = Reader { shared: Arc::clone(&self.shared) };
            let Err(error) = reader.work(&mut self.arrivals.0).await;
            match error {
                PushError::Conflict => {
                    tracing::info!("another node delivers notifications");
                    tokio::time::sleep(STORE_RETRY).await;
                }
                error => {
                    tracing::error!(%error, "the log could not be read for notifications");
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        }
    }
}

/// Ends the couriers together with the reader.
struct StopCouriers(Arc<Shared>);

impl Drop for StopCouriers {
    fn drop(&mut self) {
        let mut couriers = self.0.couriers.lock();
        couriers.tasks.abort_all();
        couriers.at_work.clear();
    }
}

impl Shared {
    /// Sets about what was noted before.
    async fn resume(self: &Arc<Self>) -> Result<(), PushError> {
        let waited_for = pending::waited_for(&self.store.snapshot().await?).await?;
        waited_for.into_iter().for_each(|pusher| self.deliver(pusher));
        Ok(())
    }

    /// Sets about what was noted for a pusher.
    pub(crate) fn deliver(self: &Arc<Self>, pusher: PusherKey) {
        let mut couriers = self.couriers.lock();
        while couriers.tasks.try_join_next().is_some() {}
        if let Some(more) = couriers.at_work.get_mut(&pusher) {
            *more = true;
            return;
        }
        couriers.at_work.insert(pusher.clone(), false);
        let courier = Courier { shared: Arc::clone(self), pusher };
        couriers.tasks.spawn(courier.run());
    }

    /// Whether a courier is done: nothing was noted since it looked last.
    pub(crate) fn is_done(&self, pusher: &PusherKey) -> bool {
        let mut couriers = self.couriers.lock();
        match couriers.at_work.get_mut(pusher) {
            Some(more) if *more => {
                *more = false;
                false
            }
            _ => {
                couriers.at_work.remove(pusher);
                true
            }
        }
    }
}

/// Whether something that happened then is no news any more.
pub(crate) fn is_over(happened_ms: u64, ambient: &Ambient) -> bool {
    let news_for_ms = u64::try_from(NEWS_FOR.as_millis()).unwrap_or(u64::MAX);
    ambient.now_ms() > happened_ms.saturating_add(news_for_ms)
}
