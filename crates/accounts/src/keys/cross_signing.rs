//! `POST /keys/device_signing/upload`: a user publishes their cross-signing keys.

use std::collections::BTreeSet;

use pli_store::{Batch, Direction, Expect, Position, Snapshot, Store};
use ruma::{
    UserId,
    encryption::{CrossSigningKey, KeyUsage},
    serde::Raw,
};

use super::{
    signed::{SignedObject, is_public_key},
    tables::{CROSS_SIGNING_KEYS, CrossSigningUsage, DEVICE_KEYS},
};
use crate::{
    AccountsError,
    device_lists::{DeviceLists, UNLIMITED},
    devices::Devices,
};

/// How many bytes a cross-signing key may have. Usual ones have about 400.
const MAX_BYTES: usize = 16_384;

/// The cross-signing keys of users, and the signatures made with them.
#[derive(Clone)]
pub struct CrossSigning {
    pub(crate) store: Store,
}

/// What a user uploads: any of the three keys.
#[derive(Clone, Debug, Default)]
pub struct CrossSigningUpload {
    /// The master key.
    pub master_key: Option<Raw<CrossSigningKey>>,
    /// The self-signing key, signed by the master key.
    pub self_signing_key: Option<Raw<CrossSigningKey>>,
    /// The user-signing key, signed by the master key.
    pub user_signing_key: Option<Raw<CrossSigningKey>>,
}

/// What became of an upload of cross-signing keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadOutcome {
    /// The keys are published (or were already).
    Done,
    /// The keys would replace others: the user has to authenticate again first, then the same
    /// upload can be repeated as authenticated.
    AuthenticationRequired,
}

/// What is stored of the three keys, in the order of [`CrossSigningUsage::ALL`].
type Stored = [Option<(SignedObject, Position)>; 3];

impl CrossSigning {
    /// The service over a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Publishes cross-signing keys, all that are given or none.
    ///
    /// The first set of keys needs no further authentication, nor does the same set once more; any
    /// other change does (`authenticated`).
    ///
    /// # Errors
    /// `M_INVALID_PARAM` for keys that aren't the user's or not of this usage,
    /// `M_MISSING_PARAM` without a master key, `M_INVALID_SIGNATURE` where the master key did not
    /// sign another key, `M_FORBIDDEN` for a key that is also a device id.
    pub async fn upload(
        &self,
        user: &UserId,
        upload: &CrossSigningUpload,
        authenticated: bool,
    ) -> Result<UploadOutcome, AccountsError> {
        retry_on_conflict!(self.try_upload(user, upload, authenticated).await)
    }

    async fn try_upload(
        &self,
        user: &UserId,
        upload: &CrossSigningUpload,
        authenticated: bool,
    ) -> Result<UploadOutcome, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let stored = stored_keys(&snapshot, user).await?;
        if upload.master_key.is_none() && stored[0].is_none() {
            return Err(no_master_key());
        }
        let uploaded = [
            parse(user, CrossSigningUsage::Master, upload.master_key.as_ref())?,
            parse(user, CrossSigningUsage::SelfSigning, upload.self_signing_key.as_ref())?,
            parse(user, CrossSigningUsage::UserSigning, upload.user_signing_key.as_ref())?,
        ];

        let has_master = stored[0].is_some();
        let all_known = uploaded.iter().zip(&stored).all(|(new, old)| match (new, old) {
            (Some(new), Some((old, _))) => new.body == old.body,
            (Some(_), None) => false,
            (None, _) => true,
        });
        // The same keys again: the answer to the first upload may have been lost.
        if has_master && all_known {
            return Ok(UploadOutcome::Done);
        }
        // Who can replace these keys can pass for the user, so a stolen session must not be enough.
        if has_master && !authenticated {
            return Ok(UploadOutcome::AuthenticationRequired);
        }

        check_signatures(&uploaded, &stored)?;
        forbid_device_ids(&snapshot, user, &uploaded).await?;
        let batch = replace(&snapshot, user, uploaded, stored).await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        Ok(UploadOutcome::Done)
    }
}

pub(crate) async fn stored_keys(
    snapshot: &Snapshot,
    user: &UserId,
) -> Result<Stored, AccountsError> {
    let rows = CrossSigningUsage::ALL.map(|usage| (user, usage.index()));
    let mut keys = snapshot.get_many(&CROSS_SIGNING_KEYS, rows).await?.into_iter();
    Ok(std::array::from_fn(|_| keys.next().flatten()))
}

fn parse(
    user: &UserId,
    usage: CrossSigningUsage,
    uploaded: Option<&Raw<CrossSigningKey>>,
) -> Result<Option<SignedObject>, AccountsError> {
    let Some(uploaded) = uploaded else { return Ok(None) };
    let name = usage.name();
    let json = uploaded.json().get();
    if json.len() > MAX_BYTES {
        return Err(AccountsError::TooLarge(
            format!("the {name} key can have at most {MAX_BYTES} bytes").into(),
        ));
    }
    let key = uploaded
        .deserialize()
        .map_err(|error| AccountsError::BadJson(format!("{name} key: {error}").into()))?;
    let invalid =
        |what: &str| Err(AccountsError::InvalidParam(format!("the {name} key {what}").into()));
    if key.user_id != user {
        return invalid("must have the user's own id as its `user_id`");
    }
    let expected_usage = match usage {
        CrossSigningUsage::Master => KeyUsage::Master,
        CrossSigningUsage::SelfSigning => KeyUsage::SelfSigning,
        CrossSigningUsage::UserSigning => KeyUsage::UserSigning,
    };
    if !key.usage.contains(&expected_usage) {
        return invalid("must have its own name in `usage`");
    }
    // Exactly one key, named after itself.
    let mut keys = key.keys.iter();
    let (Some((key_id, public_key)), None) = (keys.next(), keys.next()) else {
        return invalid("must hold exactly one key");
    };
    if key_id.as_str() != format!("ed25519:{public_key}") || !is_public_key(public_key) {
        return invalid("must be an ed25519 key named `ed25519:<the key in unpadded base64>`");
    }
    SignedObject::from_json(json, user).map(Some)
}

/// The self-signing and user-signing keys must be signed by the master key that comes with them, or
/// else by the one that is published.
fn check_signatures(
    uploaded: &[Option<SignedObject>; 3],
    stored: &Stored,
) -> Result<(), AccountsError> {
    let [uploaded_master, others @ ..] = uploaded;
    let stored_master = stored[0].as_ref().map(|(key, _)| key);
    let master_key = uploaded_master
        .as_ref()
        .or(stored_master)
        .and_then(SignedObject::cross_signing_key)
        .ok_or_else(no_master_key)?;
    for key in others.iter().flatten() {
        let signature = key.signatures.get(&format!("ed25519:{master_key}"));
        if !signature.is_some_and(|signature| key.is_signed(&master_key, signature)) {
            return Err(AccountsError::InvalidSignature(
                "the self-signing and user-signing keys must be signed by the master key".into(),
            ));
        }
    }
    Ok(())
}

fn no_master_key() -> AccountsError {
    AccountsError::MissingParam("there is no master key: upload it with the others".into())
}

/// Signatures name keys and devices alike by `ed25519:<id>`, so a key must not be a device's id.
async fn forbid_device_ids(
    snapshot: &Snapshot,
    user: &UserId,
    uploaded: &[Option<SignedObject>; 3],
) -> Result<(), AccountsError> {
    let keys: BTreeSet<String> =
        uploaded.iter().flatten().filter_map(SignedObject::cross_signing_key).collect();
    let devices = Devices::ids_at(snapshot, user).await?;
    if devices.iter().any(|device| keys.contains(device.as_str())) {
        return Err(AccountsError::forbidden("this key is the id of one of the user's devices"));
    }
    Ok(())
}

async fn replace(
    snapshot: &Snapshot,
    user: &UserId,
    uploaded: [Option<SignedObject>; 3],
    stored: Stored,
) -> Result<Batch, AccountsError> {
    let mut batch = Batch::new();
    let new_master = match (&uploaded[0], &stored[0]) {
        (Some(new), Some((old, _))) => new.body != old.body,
        (Some(_), None) => true,
        (None, _) => false,
    };
    let old_self_signing_key = stored[1].as_ref().and_then(|(key, _)| key.cross_signing_key());
    let self_signing_changes = match (&uploaded[1], &stored[1]) {
        (Some(new), Some((old, _))) => new.body != old.body,
        (None, Some(_)) => new_master,
        (_, None) => false,
    };

    for ((usage, new), old) in CrossSigningUsage::ALL.into_iter().zip(uploaded).zip(stored) {
        let row = (user, usage.index());
        let version = old.as_ref().map(|(_, version)| *version);
        batch.require(&CROSS_SIGNING_KEYS, row, Expect::unchanged(version));
        match (new, old) {
            (Some(mut new), old) => {
                // The same key with what was signed on it meanwhile.
                if let Some((old, _)) = old.filter(|(old, _)| old.body == new.body) {
                    let mut signatures = old.signatures;
                    signatures.append(&mut new.signatures);
                    new.signatures = signatures;
                }
                batch.put(&CROSS_SIGNING_KEYS, row, &new);
            }
            // What the old master key signed is worth nothing under the new one.
            (None, Some(_)) if new_master => {
                batch.delete(&CROSS_SIGNING_KEYS, row);
            }
            (None, _) => {}
        }
    }
    if let Some(old_key) = old_self_signing_key.filter(|_| self_signing_changes) {
        drop_device_signatures(snapshot, &mut batch, user, &old_key).await?;
    }
    DeviceLists::changed(snapshot, &mut batch, user).await?;
    Ok(batch)
}

/// Takes the signatures of a self-signing key that is no more off the user's devices.
async fn drop_device_signatures(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user: &UserId,
    self_signing_key: &str,
) -> Result<(), AccountsError> {
    let key_id = format!("ed25519:{self_signing_key}");
    let devices = snapshot
        .scan(&DEVICE_KEYS, DEVICE_KEYS.prefix((user,)), UNLIMITED, Direction::Forward)
        .await?;
    for mut device in devices {
        if device.value.signatures.remove(&key_id).is_some() {
            batch.require(&DEVICE_KEYS, &device.key, Expect::Version(device.version));
            batch.put(&DEVICE_KEYS, &device.key, &device.value);
        }
    }
    Ok(())
}
