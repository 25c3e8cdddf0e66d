//! One-time keys: the queues of each device.

use std::collections::{BTreeMap, HashMap};

use pli_store::{Batch, Position, Snapshot, StoreError};
use ruma::{CanonicalJsonObject, CanonicalJsonValue, DeviceId, OneTimeKeyAlgorithm, UserId};
use ruma::{
    OwnedOneTimeKeyId, encryption::OneTimeKey, serde::Raw,
    signatures::to_canonical_json_string_for_signing,
};
use sha2::{Digest, Sha256};

use super::{
    json::check_depth,
    tables::{
        CHUNK_SIZE, CLAIMED_ONE_TIME_KEYS, Chunk, ClaimedDigest, HeldKey, ONE_TIME_KEY_STATUS,
        ONE_TIME_KEYS, OneTimeKeyStatus,
    },
};
use crate::AccountsError;

/// How many unclaimed keys of one algorithm a device may have. Clients keep 50 to 100.
const MAX_HELD: u64 = 1_000;

/// How many bytes one key may have. A signed key has about 200.
const MAX_KEY_BYTES: usize = 4_096;

/// How many bytes a key's id may have, its algorithm included.
const MAX_KEY_ID_BYTES: usize = 255;

/// The algorithm of which counts are always told, zero included: some clients only upload new keys
/// when they see the number.
const USUAL_ALGORITHM: &str = "signed_curve25519";

/// What a device learns about its own keys in every `/sync`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// Unclaimed one-time keys by algorithm (`device_one_time_keys_count`).
    pub one_time_keys: BTreeMap<OneTimeKeyAlgorithm, u64>,
    /// The algorithms with a fallback key that was not given away yet
    /// (`device_unused_fallback_key_types`).
    pub unused_fallback_types: Vec<OneTimeKeyAlgorithm>,
}

/// The one-time keys that the server holds for devices.
#[derive(Clone, Copy, Debug)]
pub struct OneTimeKeys;

impl OneTimeKeys {
    /// What a device has left. Costs one look-up, however many keys there are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn counts(
        snapshot: &Snapshot,
        user: &UserId,
        device: &DeviceId,
    ) -> Result<KeyCounts, AccountsError> {
        Ok(Self::counts_versioned(snapshot, user, device).await?.0)
    }

    /// The same as [`Self::counts`], and when it changed last; `None` if the device never had keys.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn counts_versioned(
        snapshot: &Snapshot,
        user: &UserId,
        device: &DeviceId,
    ) -> Result<(KeyCounts, Option<Position>), AccountsError> {
        let found = snapshot.get_versioned(&ONE_TIME_KEY_STATUS, (user, device)).await?;
        let (status, changed) = found.unzip();
        Ok((status.unwrap_or_default().counts(), changed))
    }
}

impl OneTimeKeyStatus {
    pub(crate) fn counts(&self) -> KeyCounts {
        let mut one_time_keys: BTreeMap<_, _> = self
            .queues
            .iter()
            .map(|(algorithm, queue)| (OneTimeKeyAlgorithm::from(algorithm.as_str()), queue.count))
            .collect();
        one_time_keys.entry(OneTimeKeyAlgorithm::from(USUAL_ALGORITHM)).or_default();
        let unused_fallback_types = self
            .fallback_used
            .iter()
            .filter(|(_, used)| !**used)
            .map(|(algorithm, _)| OneTimeKeyAlgorithm::from(algorithm.as_str()))
            .collect();
        KeyCounts { one_time_keys, unused_fallback_types }
    }
}

/// Adds uploaded one-time keys to a batch and to the device's status.
pub(crate) async fn add(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
    device: &DeviceId,
    status: &mut OneTimeKeyStatus,
    keys: &BTreeMap<OwnedOneTimeKeyId, Raw<OneTimeKey>>,
) -> Result<(), AccountsError> {
    // Key ids begin with their algorithm, so a map sorted by id is grouped by algorithm.
    let mut by_algorithm: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
    for (id, key) in keys {
        let json = key.json().get();
        check_key(id.as_str(), json)?;
        by_algorithm.entry(id.algorithm().to_string()).or_default().push((id.as_str(), json));
    }

    for (algorithm, uploaded) in by_algorithm {
        let Known { held, given } = known_keys(snapshot, user, device, status, &algorithm).await?;
        let claimed = claimed_digests(snapshot, user, device, status, &uploaded).await?;
        let mut new = Vec::with_capacity(uploaded.len());
        for ((id, json), claimed) in uploaded.into_iter().zip(claimed) {
            // A client that lost an answer uploads the same keys again: those it has here already
            // stay where they are in the queue. Another key under an id that is taken can't be
            // accepted: nobody could tell them apart.
            if let Some(held) = held.get(id) {
                if held != json && digest(held)? != digest(json)? {
                    return Err(AccountsError::InvalidParam(
                        format!(
                            "another one-time key `{id}` is here already: upload it under a new id"
                        )
                        .into(),
                    ));
                }
                continue;
            }
            // A key that was given away must never be given again, so it is not taken back.
            let claimed = match given.get(id) {
                Some(given) => Some(digest(given)?),
                None => claimed,
            };
            if claimed.is_some_and(|claimed| digest(json).is_ok_and(|digest| digest == claimed)) {
                continue;
            }
            new.push(HeldKey { id: id.to_owned(), json: json.to_owned() });
        }
        if new.is_empty() {
            continue;
        }

        let queue = status.queues.entry(algorithm.clone()).or_default();
        queue.count += new.len() as u64;
        if queue.count > MAX_HELD {
            return Err(AccountsError::TooLarge(
                format!("a device can have at most {MAX_HELD} unclaimed one-time keys").into(),
            ));
        }
        let mut new = new.into_iter();
        loop {
            let keys: Vec<HeldKey> = new.by_ref().take(CHUNK_SIZE).collect();
            if keys.is_empty() {
                break;
            }
            batch.put(&ONE_TIME_KEYS, (user, device, &algorithm, queue.next), &Chunk { keys });
            queue.next += 1;
        }
    }
    Ok(())
}

/// The keys in a queue's chunks, by id.
#[derive(Default)]
struct Known {
    /// Those that wait to be claimed.
    held: HashMap<String, String>,
    /// Those of the first chunk that were given away.
    given: HashMap<String, String>,
}

async fn known_keys(
    snapshot: &Snapshot,
    user: &UserId,
    device: &DeviceId,
    status: &OneTimeKeyStatus,
    algorithm: &String,
) -> Result<Known, AccountsError> {
    let Some(queue) = status.queues.get(algorithm).filter(|queue| queue.count > 0) else {
        return Ok(Known::default());
    };
    let chunks = (queue.first..queue.next).map(|number| (user, device, algorithm, number));
    let chunks = snapshot.get_many(&ONE_TIME_KEYS, chunks).await?;
    let mut keys = chunks
        .into_iter()
        .flatten()
        .flat_map(|(chunk, _)| chunk.keys)
        .map(|HeldKey { id, json }| (id, json));
    let given = keys.by_ref().take(queue.taken).collect();
    Ok(Known { held: keys.collect(), given })
}

/// What is known of earlier claims under the uploaded ids, out of chunks that are used up.
async fn claimed_digests(
    snapshot: &Snapshot,
    user: &UserId,
    device: &DeviceId,
    status: &OneTimeKeyStatus,
    uploaded: &[(&str, &str)],
) -> Result<Vec<Option<[u8; 32]>>, StoreError> {
    if !status.ever_claimed {
        return Ok(vec![None; uploaded.len()]);
    }
    let ids: Vec<_> = uploaded.iter().map(|(id, _)| (user, device, *id)).collect();
    let claimed = snapshot.get_many(&CLAIMED_ONE_TIME_KEYS, ids).await?;
    Ok(claimed.into_iter().map(|row| row.map(|(ClaimedDigest(digest), _)| digest)).collect())
}

/// A key is a string or an object with a string `key` (section "Key algorithms").
pub(crate) fn check_key(id: &str, json: &str) -> Result<(), AccountsError> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Key<'a> {
        Unsigned(#[serde(borrow)] std::borrow::Cow<'a, str>),
        Signed {
            #[serde(borrow)]
            key: std::borrow::Cow<'a, str>,
        },
    }

    // The id becomes part of keys of the store, which have their limit.
    if id.len() > MAX_KEY_ID_BYTES {
        return Err(AccountsError::invalid_param(format!(
            "a key's id can have at most {MAX_KEY_ID_BYTES} bytes"
        )));
    }
    if json.len() > MAX_KEY_BYTES {
        return Err(AccountsError::TooLarge(
            format!("key `{id}` has more than {MAX_KEY_BYTES} bytes").into(),
        ));
    }
    check_depth(json)?;
    let Ok(Key::Unsigned(key) | Key::Signed { key }) = serde_json::from_str(json) else {
        return Err(AccountsError::BadJson(
            format!("key `{id}` must be a string, or an object with a string `key`").into(),
        ));
    };
    if key.is_empty() {
        return Err(AccountsError::InvalidParam(format!("key `{id}` is empty").into()));
    }
    Ok(())
}

/// Identifies a key's content. Signatures don't count: they may differ from one upload of the same
/// key to the next.
pub(crate) fn digest(json: &str) -> Result<[u8; 32], AccountsError> {
    let malformed =
        |error: &dyn std::fmt::Display| AccountsError::BadJson(error.to_string().into());
    let value: CanonicalJsonValue =
        serde_json::from_str(json).map_err(|error| malformed(&error))?;
    let text = match value {
        CanonicalJsonValue::Object(object) => signed_text(&object)?,
        other => other.to_string(),
    };
    Ok(Sha256::digest(text.as_bytes()).into())
}

fn signed_text(object: &CanonicalJsonObject) -> Result<String, AccountsError> {
    to_canonical_json_string_for_signing(object)
        .map_err(|error| AccountsError::BadJson(error.to_string().into()))
}
