//! `POST /keys/claim`: one-time keys of other devices, each given once.

use std::{collections::BTreeMap, sync::Arc};

use pli_store::{Batch, Expect, Position, Snapshot, StoreError, Touch};
use ruma::{
    DeviceId, OneTimeKeyAlgorithm, OwnedDeviceId, OwnedUserId, UserId, encryption::OneTimeKey,
    serde::Raw,
};

use super::{
    DeviceKeys, RawJson,
    next_keys::NextKeys,
    one_time::digest,
    tables::{
        CLAIMED_ONE_TIME_KEYS, Chunk, ClaimedDigest, FALLBACK_KEYS, HeldKey, ONE_TIME_KEY_STATUS,
        ONE_TIME_KEYS, OneTimeKeyStatus,
    },
};
use crate::AccountsError;

/// How many devices one request may claim keys of.
const MAX_DEVICES: usize = 5_000;

/// A key that was given to the one who asked.
#[derive(Clone, Debug)]
pub struct ClaimedKey {
    /// Whose key it is.
    pub user_id: OwnedUserId,
    /// The device that the key belongs to.
    pub device_id: OwnedDeviceId,
    /// `algorithm:key_id`.
    pub key_id: String,
    /// The key as the device uploaded it.
    pub key: Raw<OneTimeKey>,
}

/// A device of which a key is wanted, and of which algorithm.
struct Asked<'a> {
    user: &'a UserId,
    device: &'a DeviceId,
    algorithm: &'a OneTimeKeyAlgorithm,
}

/// A device of which a key is wanted, and what it has.
struct Found<'a> {
    asked: &'a Asked<'a>,
    algorithm: String,
    status: OneTimeKeyStatus,
    version: Position,
}

impl DeviceKeys {
    /// Gives a key of each of the devices that have one: the oldest one-time key, or else the
    /// fallback key. A one-time key is given once, whoever asks at the same time, and whatever
    /// happens to the server.
    ///
    /// # Errors
    /// When too many keys are asked for at once, or the store fails.
    pub async fn claim(
        &self,
        wanted: &BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, OneTimeKeyAlgorithm>>,
    ) -> Result<Vec<ClaimedKey>, AccountsError> {
        let asked: Vec<Asked<'_>> = wanted
            .iter()
            .flat_map(|(user, by_device)| {
                by_device.iter().map(|(device, algorithm)| Asked { user, device, algorithm })
            })
            .collect();
        if asked.len() > MAX_DEVICES {
            return Err(AccountsError::TooLarge(
                format!("keys of at most {MAX_DEVICES} devices can be claimed at once").into(),
            ));
        }
        let devices: Vec<_> = asked.iter().map(|asked| (asked.user, asked.device)).collect();
        let _turn = self.locks.lock(&devices).await;
        retry_on_conflict!(self.try_claim(&asked).await)
    }

    async fn try_claim(&self, asked: &[Asked<'_>]) -> Result<Vec<ClaimedKey>, AccountsError> {
        let mut batch = Batch::new();
        let mut claimed = Vec::with_capacity(asked.len());
        let queued = match self.remembered(asked) {
            Some(queued) => queued,
            None => {
                let snapshot = self.store.snapshot().await?;
                let found = with_status(&snapshot, asked).await?;
                let (queued, exhausted): (Vec<_>, Vec<_>) =
                    found.into_iter().partition(|found| found.first_chunk().is_some());
                take_fallback_keys(&snapshot, &mut batch, exhausted, &mut claimed).await?;
                with_chunks(&snapshot, queued).await?
            }
        };
        let mut queued_left = Vec::with_capacity(queued.len());
        for (mut found, chunk) in queued {
            claimed.push(found.take_one_time_key(&mut batch, &chunk)?);
            queued_left.push((found, chunk));
        }
        if batch.is_empty() {
            return Ok(claimed);
        }

        // Keys leave the server only after their claim is durable.
        match self.store.commit(batch).await {
            Ok(position) => {
                self.remember(queued_left, position);
                Ok(claimed)
            }
            Err(error) => {
                // Perhaps somebody else was faster: look again at what is there.
                for Asked { user, device, .. } in asked {
                    self.next_keys.forget(user, device);
                }
                Err(error.into())
            }
        }
    }

    /// What the devices have, if all of it is in memory. Should it be outdated, the commit conflicts.
    fn remembered<'a>(&self, asked: &'a [Asked<'a>]) -> Option<Vec<(Found<'a>, Arc<Chunk>)>> {
        let remembered = asked.iter().map(|asked| {
            let next = self.next_keys.get(asked.user, asked.device)?;
            let algorithm = asked.algorithm.to_string();
            (next.algorithm == algorithm).then(|| {
                let (status, version) = (next.status.clone(), next.version);
                (Found { asked, algorithm, status, version }, Arc::clone(&next.chunk))
            })
        });
        remembered.collect()
    }

    /// Keeps in memory what the devices have after a claim at this position.
    fn remember(&self, claimed_of: Vec<(Found<'_>, Arc<Chunk>)>, position: Position) {
        for (Found { asked, algorithm, status, .. }, chunk) in claimed_of {
            let Asked { user, device, .. } = asked;
            if status.queues.get(&algorithm).is_some_and(|queue| queue.taken > 0) {
                let next = NextKeys { algorithm, status, version: position, chunk };
                self.next_keys.remember(user, device, next);
            } else {
                // The chunk is used up.
                self.next_keys.forget(user, device);
            }
        }
    }
}

impl Found<'_> {
    fn first_chunk(&self) -> Option<u64> {
        let queue = self.status.queues.get(&self.algorithm)?;
        (queue.count > 0).then_some(queue.first)
    }

    /// Adds to a batch that the first key of the first chunk is given away.
    fn take_one_time_key(
        &mut self,
        batch: &mut Batch,
        chunk: &Chunk,
    ) -> Result<ClaimedKey, AccountsError> {
        let Asked { user, device, .. } = *self.asked;
        let missing = || {
            StoreError::Corrupt(format!("one-time keys of {user} {device} are counted but missing"))
        };
        let queue = self.status.queues.get_mut(&self.algorithm).ok_or_else(missing)?;
        let key = chunk.keys.get(queue.taken).ok_or_else(missing)?;
        queue.count = queue.count.checked_sub(1).ok_or_else(missing)?;
        queue.taken += 1;
        if queue.taken == chunk.keys.len() {
            batch.delete(&ONE_TIME_KEYS, (user, device, &self.algorithm, queue.first));
            queue.first += 1;
            queue.taken = 0;
            for key in &chunk.keys {
                let digest = ClaimedDigest(digest(&key.json)?);
                batch.put(&CLAIMED_ONE_TIME_KEYS, (user, device, &key.id), &digest);
            }
        }
        self.status.ever_claimed = true;
        self.put_status(batch);
        self.claimed(key)
    }

    fn claimed(&self, key: &HeldKey) -> Result<ClaimedKey, AccountsError> {
        let json = RawJson::parse(key.json.clone())
            .map_err(|error| StoreError::Corrupt(format!("one-time key `{}`: {error}", key.id)))?;
        Ok(ClaimedKey {
            user_id: self.asked.user.to_owned(),
            device_id: self.asked.device.to_owned(),
            key_id: key.id.clone(),
            key: Raw::from_json(json.into_raw()),
        })
    }

    fn put_status(&self, batch: &mut Batch) {
        let key = (self.asked.user, self.asked.device);
        batch.require(&ONE_TIME_KEY_STATUS, key, Expect::Version(self.version));
        batch.put(&ONE_TIME_KEY_STATUS, key, &self.status);
    }
}

async fn with_status<'a>(
    snapshot: &Snapshot,
    asked: &'a [Asked<'a>],
) -> Result<Vec<Found<'a>>, StoreError> {
    let devices = asked.iter().map(|asked| (asked.user, asked.device));
    let found = snapshot.get_many(&ONE_TIME_KEY_STATUS, devices).await?;
    let with_status = asked.iter().zip(found).filter_map(|(asked, found)| {
        let (status, version) = found?;
        Some(Found { asked, algorithm: asked.algorithm.to_string(), status, version })
    });
    Ok(with_status.collect())
}

/// Reads the first chunk of each queue.
async fn with_chunks<'a>(
    snapshot: &Snapshot,
    queued: Vec<Found<'a>>,
) -> Result<Vec<(Found<'a>, Arc<Chunk>)>, StoreError> {
    if queued.is_empty() {
        return Ok(Vec::new());
    }
    let rows = queued.iter().filter_map(|found| {
        Some((found.asked.user, found.asked.device, &found.algorithm, found.first_chunk()?))
    });
    let chunks = snapshot.get_many(&ONE_TIME_KEYS, rows).await?;
    // A chunk that is missing has no keys: whoever wants one finds that out.
    let chunks = chunks.into_iter().map(|chunk| Arc::new(chunk.unwrap_or_default().0));
    Ok(queued.into_iter().zip(chunks).collect())
}

async fn take_fallback_keys(
    snapshot: &Snapshot,
    batch: &mut Batch,
    exhausted: Vec<Found<'_>>,
    claimed: &mut Vec<ClaimedKey>,
) -> Result<(), AccountsError> {
    let exhausted: Vec<Found<'_>> = exhausted
        .into_iter()
        .filter(|found| found.status.fallback_used.contains_key(&found.algorithm))
        .collect();
    if exhausted.is_empty() {
        return Ok(());
    }
    let rows =
        exhausted.iter().map(|found| (found.asked.user, found.asked.device, &found.algorithm));
    let keys = snapshot.get_many(&FALLBACK_KEYS, rows).await?;
    for (mut found, key) in exhausted.into_iter().zip(keys) {
        let Some((key, _)) = key else { continue };
        // The device is told the first time, so that it can make a new one.
        let used = found.status.fallback_used.insert(found.algorithm.clone(), true);
        if used == Some(false) {
            found.put_status(batch);
            batch.touch(Touch::User(found.asked.user.to_owned()));
        }
        claimed.push(found.claimed(&key)?);
    }
    Ok(())
}
