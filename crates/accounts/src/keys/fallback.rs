//! Fallback keys: what is given when a device's one-time keys are exhausted.

use std::collections::BTreeMap;

use pli_store::{Batch, Snapshot};
use ruma::{DeviceId, OwnedOneTimeKeyId, UserId, encryption::OneTimeKey, serde::Raw};

use super::{
    one_time::{check_key, digest},
    tables::{FALLBACK_KEYS, HeldKey, OneTimeKeyStatus},
};
use crate::AccountsError;

/// Replaces the fallback keys of the uploaded algorithms.
pub(crate) async fn replace(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
    device: &DeviceId,
    status: &mut OneTimeKeyStatus,
    keys: &BTreeMap<OwnedOneTimeKeyId, Raw<OneTimeKey>>,
) -> Result<(), AccountsError> {
    let mut by_algorithm: BTreeMap<String, (&str, &str)> = BTreeMap::new();
    for (id, key) in keys {
        let json = key.json().get();
        check_key(id.as_str(), json)?;
        let algorithm = id.algorithm().to_string();
        // The server keeps one fallback key of each algorithm, so it can't take two.
        if by_algorithm.insert(algorithm, (id.as_str(), json)).is_some() {
            return Err(AccountsError::InvalidParam(
                "there can be only one fallback key of each algorithm".into(),
            ));
        }
    }

    for (algorithm, (id, json)) in by_algorithm {
        if status.fallback_used.contains_key(&algorithm) {
            let held = snapshot.get(&FALLBACK_KEYS, (user, device, &algorithm)).await?;
            // The same key once more is the same key: it doesn't become unused again.
            if let Some(held) = held
                && held.id == id
                && digest(&held.json)? == digest(json)?
            {
                continue;
            }
        }
        let key = HeldKey { id: id.to_owned(), json: json.to_owned() };
        batch.put(&FALLBACK_KEYS, (user, device, &algorithm), &key);
        status.fallback_used.insert(algorithm, false);
    }
    Ok(())
}
