//! `POST /keys/claim`: one-time keys of other devices, each given once.

use std::collections::BTreeMap;

use pli_store::{Batch, Expect, Position, Snapshot, StoreError, Touch};
use ruma::{
    DeviceId, OneTimeKeyAlgorithm, OwnedDeviceId, OwnedUserId, UserId, encryption::OneTimeKey,
    serde::Raw,
};

use super::{
    DeviceKeys, RawJson,
    one_time::digest,
    tables::{
        CLAIMED_ONE_TIME_KEYS, ClaimedDigest, FALLBACK_KEYS, HeldKey, ONE_TIME_KEY_STATUS,
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

/// A device of which a key is wanted, and what it has.
struct Wanted<'a> {
    user: &'a UserId,
    device: &'a DeviceId,
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
        if wanted.values().map(BTreeMap::len).sum::<usize>() > MAX_DEVICES {
            return Err(AccountsError::TooLarge(
                format!("keys of at most {MAX_DEVICES} devices can be claimed at once").into(),
            ));
        }
        let mut devices = Vec::new();
        for (user, by_device) in wanted {
            devices.extend(by_device.keys().map(|device| (&**user, &**device)));
        }
        let _turn = self.locks.lock(&devices).await;
        retry_on_conflict!(self.try_claim(wanted).await)
    }

    async fn try_claim(
        &self,
        wanted: &BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, OneTimeKeyAlgorithm>>,
    ) -> Result<Vec<ClaimedKey>, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let wanted = with_status(&snapshot, wanted).await?;
        let (queued, exhausted): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|wanted| wanted.first_chunk().is_some());

        let mut batch = Batch::new();
        let mut claimed = Vec::with_capacity(queued.len() + exhausted.len());
        take_one_time_keys(&snapshot, &mut batch, queued, &mut claimed).await?;
        take_fallback_keys(&snapshot, &mut batch, exhausted, &mut claimed).await?;
        drop(snapshot);

        // Keys leave the server only after their claim is durable.
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(claimed)
    }
}

impl Wanted<'_> {
    fn first_chunk(&self) -> Option<u64> {
        let queue = self.status.queues.get(&self.algorithm)?;
        (queue.count > 0).then_some(queue.first)
    }

    fn claimed(&self, key: HeldKey) -> Result<ClaimedKey, AccountsError> {
        let json = RawJson::parse(key.json)
            .map_err(|error| StoreError::Corrupt(format!("one-time key `{}`: {error}", key.id)))?;
        Ok(ClaimedKey {
            user_id: self.user.to_owned(),
            device_id: self.device.to_owned(),
            key_id: key.id,
            key: Raw::from_json(json.into_raw()),
        })
    }

    fn put_status(&self, batch: &mut Batch) {
        let key = (self.user, self.device);
        batch.require(&ONE_TIME_KEY_STATUS, key, Expect::Version(self.version));
        batch.put(&ONE_TIME_KEY_STATUS, key, &self.status);
    }
}

async fn with_status<'a>(
    snapshot: &Snapshot,
    wanted: &'a BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, OneTimeKeyAlgorithm>>,
) -> Result<Vec<Wanted<'a>>, StoreError> {
    let mut devices = Vec::new();
    let mut algorithms = Vec::new();
    for (user, by_device) in wanted {
        devices.extend(by_device.keys().map(|device| (&**user, &**device)));
        algorithms.extend(by_device.values());
    }
    let found = snapshot.get_many(&ONE_TIME_KEY_STATUS, &devices).await?;
    let with_status = devices.into_iter().zip(algorithms).zip(found).filter_map(
        |(((user, device), algorithm), found)| {
            let (status, version) = found?;
            Some(Wanted { user, device, algorithm: algorithm.to_string(), status, version })
        },
    );
    Ok(with_status.collect())
}

async fn take_one_time_keys(
    snapshot: &Snapshot,
    batch: &mut Batch,
    wanted: Vec<Wanted<'_>>,
    claimed: &mut Vec<ClaimedKey>,
) -> Result<(), AccountsError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = wanted
        .iter()
        .filter_map(|wanted| {
            Some((wanted.user, wanted.device, wanted.algorithm.clone(), wanted.first_chunk()?))
        })
        .collect();
    let chunks = snapshot.get_many(&ONE_TIME_KEYS, &rows).await?;
    for ((mut wanted, row), chunk) in wanted.into_iter().zip(rows).zip(chunks) {
        let chunk = chunk.map(|(chunk, _)| chunk);
        let Some(mut chunk) = chunk.filter(|chunk| !chunk.keys.is_empty()) else {
            return Err(StoreError::Corrupt(format!(
                "one-time keys of {} {} are counted but missing",
                wanted.user, wanted.device
            ))
            .into());
        };
        let key = chunk.keys.remove(0);
        if let Some(queue) = wanted.status.queues.get_mut(&wanted.algorithm) {
            queue.count -= 1;
            queue.first += u64::from(chunk.keys.is_empty());
        }
        wanted.status.ever_claimed = true;
        if chunk.keys.is_empty() {
            batch.delete(&ONE_TIME_KEYS, row);
        } else {
            batch.put(&ONE_TIME_KEYS, row, &chunk);
        }
        let digest = ClaimedDigest(digest(&key.json)?);
        batch.put(&CLAIMED_ONE_TIME_KEYS, (wanted.user, wanted.device, &key.id), &digest);
        wanted.put_status(batch);
        claimed.push(wanted.claimed(key)?);
    }
    Ok(())
}

async fn take_fallback_keys(
    snapshot: &Snapshot,
    batch: &mut Batch,
    wanted: Vec<Wanted<'_>>,
    claimed: &mut Vec<ClaimedKey>,
) -> Result<(), AccountsError> {
    let wanted: Vec<Wanted<'_>> = wanted
        .into_iter()
        .filter(|wanted| wanted.status.fallback_used.contains_key(&wanted.algorithm))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = wanted
        .iter()
        .map(|wanted| (wanted.user, wanted.device, wanted.algorithm.clone()))
        .collect();
    let keys = snapshot.get_many(&FALLBACK_KEYS, rows).await?;
    for (mut wanted, key) in wanted.into_iter().zip(keys) {
        let Some((key, _)) = key else { continue };
        // The device is told the first time, so that it can make a new one.
        let used = wanted.status.fallback_used.insert(wanted.algorithm.clone(), true);
        if used == Some(false) {
            wanted.put_status(batch);
            batch.touch(Touch::User(wanted.user.to_owned()));
        }
        claimed.push(wanted.claimed(key)?);
    }
    Ok(())
}
