//! Identity keys of devices, and the service for all keys of devices.

use std::sync::Arc;

use pli_store::{Batch, Expect, Snapshot, Store};
use ruma::{DeviceId, UserId, encryption::DeviceKeys as UploadedDeviceKeys, serde::Raw};

use super::{
    locks::Locks,
    next_keys::NextKeysCache,
    query_cache::QueryCache,
    signed::SignedObject,
    tables::{CROSS_SIGNING_KEYS, CrossSigningUsage, DEVICE_KEYS},
};
use crate::{AccountsError, device_lists::DeviceLists};

/// How many bytes the identity keys of a device may have. Usual ones have about 700.
const MAX_BYTES: usize = 16_384;

/// The published keys of devices: upload, query, claim.
#[derive(Clone)]
pub struct DeviceKeys {
    pub(crate) store: Store,
    pub(crate) locks: Locks,
    pub(crate) cache: Arc<QueryCache>,
    pub(crate) next_keys: Arc<NextKeysCache>,
}

impl DeviceKeys {
    /// The service over a store. Clones share caches; make one per process.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            locks: Locks::new(),
            cache: Arc::new(QueryCache::new()),
            next_keys: Arc::new(NextKeysCache::new()),
        }
    }
}

/// What an upload of identity keys comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityChange {
    /// The same keys as before.
    None,
    /// New keys, or new signatures on the same keys.
    Signatures,
    /// Other keys than before: what was signed with the old ones is worthless.
    Keys,
}

/// Adds uploaded identity keys to a batch.
pub(crate) async fn put(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
    device: &DeviceId,
    uploaded: &Raw<UploadedDeviceKeys>,
) -> Result<IdentityChange, AccountsError> {
    let mut new = parse(user, device, uploaded)?;
    let stored = snapshot.get_versioned(&DEVICE_KEYS, (user, device)).await?;
    let version = stored.as_ref().map(|(_, version)| *version);

    let change = match stored {
        Some((stored, _)) if stored.body == new.body => {
            // Signatures arrive from elsewhere too (the owner's self-signing key): keep them.
            let before = stored.signatures.clone();
            let mut signatures = stored.signatures;
            signatures.append(&mut new.signatures);
            if signatures == before {
                return Ok(IdentityChange::None);
            }
            new.signatures = signatures;
            IdentityChange::Signatures
        }
        Some(_) => IdentityChange::Keys,
        None => {
            forbid_confusion_with_cross_signing(snapshot, user, device).await?;
            IdentityChange::Signatures
        }
    };
    batch.require(&DEVICE_KEYS, (user, device), Expect::unchanged(version));
    batch.put(&DEVICE_KEYS, (user, device), &new);
    DeviceLists::changed(snapshot, batch, user).await?;
    Ok(change)
}

fn parse(
    user: &UserId,
    device: &DeviceId,
    uploaded: &Raw<UploadedDeviceKeys>,
) -> Result<SignedObject, AccountsError> {
    let json = uploaded.json().get();
    if json.len() > MAX_BYTES {
        return Err(AccountsError::TooLarge(
            format!("device keys can have at most {MAX_BYTES} bytes").into(),
        ));
    }
    let typed = uploaded
        .deserialize()
        .map_err(|error| AccountsError::BadJson(format!("device_keys: {error}").into()))?;
    // Keys belong to the device that uploads them.
    if typed.user_id != user || typed.device_id != device {
        return Err(AccountsError::InvalidParam(
            "`user_id` and `device_id` of the device keys must be those of the session".into(),
        ));
    }
    // Each key is named after its device: a key under another name could pass for another device's.
    if typed.keys.keys().any(|id| id.key_name() != device) {
        return Err(AccountsError::InvalidParam(
            "the keys of a device must be named `<algorithm>:<device_id>`".into(),
        ));
    }
    SignedObject::from_json(json, user)
}

/// A device whose id is one of its owner's cross-signing keys could make its own key pass for that
/// key.
async fn forbid_confusion_with_cross_signing(
    snapshot: &Snapshot,
    user: &UserId,
    device: &DeviceId,
) -> Result<(), AccountsError> {
    let keys = CrossSigningUsage::ALL.map(|usage| (user, usage.index()));
    for (key, _) in snapshot.get_many(&CROSS_SIGNING_KEYS, keys).await?.into_iter().flatten() {
        if key.cross_signing_key().is_some_and(|key| key == device.as_str()) {
            return Err(AccountsError::forbidden(
                "this device id is the user's cross-signing key: sign in with another device id",
            ));
        }
    }
    Ok(())
}
