//! Push gateways: how many requests each gets at a time, and when it is left alone.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use pli_outbound::wait_after;
use pli_store::ambient::Ambient;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use url::Url;

/// How many requests a gateway gets at a time.
const AT_ONCE: usize = 16;
/// After how many failures one after the other a gateway is taken to be down.
const DOWN_AFTER: u32 = 3;
/// From how many known gateways on those that nobody uses are forgotten.
const KEPT: usize = 1_000;

/// The gateways that pushers named.
#[derive(Default)]
pub(crate) struct Gateways(Mutex<HashMap<String, Arc<Gateway>>>);

impl Gateways {
    /// The gateway at an address.
    pub(crate) fn at(&self, url: &Url) -> Arc<Gateway> {
        let origin = url.origin().ascii_serialization();
        let mut known = self.0.lock();
        if known.len() > KEPT {
            known.retain(|_, gateway| Arc::strong_count(gateway) > 1);
        }
        Arc::clone(known.entry(origin).or_insert_with(|| Arc::new(Gateway::new())))
    }
}

/// A push gateway.
pub(crate) struct Gateway {
    places: Arc<Semaphore>,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Health {
    failures: u32,
    down_until: Option<Instant>,
}

impl Gateway {
    fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), health: Mutex::default() }
    }

    /// Waits for a turn: until the gateway is not taken to be down and a place is free.
    pub(crate) async fn turn(&self) -> OwnedSemaphorePermit {
        loop {
            let places = Arc::clone(&self.places);
            let permit = places.acquire_owned().await.expect("the semaphore is never closed");
            let down_until = self.health.lock().down_until;
            match down_until.filter(|until| *until > Instant::now()) {
                None => return permit,
                Some(until) => {
                    drop(permit);
                    tokio::time::sleep_until(until).await;
                }
            }
        }
    }

    /// Notes that the gateway answered.
    pub(crate) fn answered(&self) {
        *self.health.lock() = Health::default();
    }

    /// Notes that it didn't.
    pub(crate) fn failed(&self, ambient: &Ambient) {
        let mut health = self.health.lock();
        health.failures = health.failures.saturating_add(1);
        if let Some(further) = health.failures.checked_sub(DOWN_AFTER) {
            let [random] = ambient.random_bytes();
            health.down_until = Some(Instant::now() + wait_after(further + 1, random));
        }
    }
}
