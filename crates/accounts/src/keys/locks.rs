//! Turns for changes of a device's one-time keys.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use ruma::{DeviceId, UserId};
use tokio::sync::{Mutex, MutexGuard};

const SHARDS: usize = 64;

/// Makes requests of one process that change the same device's keys wait for each other.
///
/// It only saves work: what guarantees that a key is given once is the batch's precondition, which
/// holds between processes too.
#[derive(Clone)]
pub(crate) struct Locks(Arc<[Mutex<()>; SHARDS]>);

impl Locks {
    pub(crate) fn new() -> Self {
        Self(Arc::new(std::array::from_fn(|_| Mutex::new(()))))
    }

    /// Waits for the turn of all these devices. Shards are taken in order, so that two requests
    /// can't wait for each other.
    pub(crate) async fn lock(&self, devices: &[(&UserId, &DeviceId)]) -> Vec<MutexGuard<'_, ()>> {
        let mut shards: Vec<usize> = devices.iter().copied().map(shard).collect();
        shards.sort_unstable();
        shards.dedup();
        let mut guards = Vec::with_capacity(shards.len());
        for shard in shards {
            guards.push(self.0[shard].lock().await);
        }
        guards
    }
}

fn shard(device: (&UserId, &DeviceId)) -> usize {
    let mut hasher = DefaultHasher::new();
    device.hash(&mut hasher);
    usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0)
}
