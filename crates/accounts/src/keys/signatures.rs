//! `POST /keys/signatures/upload`: a user publishes signatures on keys.

use std::collections::BTreeMap;

use pli_store::{Batch, Expect, Snapshot, Stamp, Touch};
use ruma::{CanonicalJsonObject, OwnedUserId, UserId};
use serde_json::value::RawValue;

use super::{
    CrossSigning,
    cross_signing::stored_keys,
    signed::{SignedObject, signatures_by},
    tables::{CROSS_SIGNING_KEYS, CrossSigningUsage, DEVICE_KEYS, USER_SIGNATURES, UserSignature},
};
use crate::{
    AccountsError,
    device_lists::{DeviceLists, USER_SIGNATURE_CHANGES},
};

/// How many objects one request may sign.
const MAX_OBJECTS: usize = 1_000;

/// Why signatures were not taken, by user and by device id or public key.
pub type SignatureFailures = BTreeMap<OwnedUserId, BTreeMap<String, AccountsError>>;

/// Signed objects by user and by device id or public key.
type SignedObjects = BTreeMap<OwnedUserId, BTreeMap<String, Box<RawValue>>>;

/// The signer's keys, as they are.
struct Signer<'a> {
    user: &'a UserId,
    master: Option<SignedObject>,
    self_signing_key: Option<String>,
    user_signing_key: Option<String>,
}

impl CrossSigning {
    /// Publishes signatures: of the user's devices by the user's self-signing key, of the user's
    /// master key by the user's devices, of other users' master keys by the user's user-signing key.
    /// What can't be taken is in the answer; the rest is published.
    ///
    /// # Errors
    /// When there are too many, or the store fails.
    pub async fn upload_signatures(
        &self,
        user: &UserId,
        signed: &SignedObjects,
    ) -> Result<SignatureFailures, AccountsError> {
        if signed.values().map(BTreeMap::len).sum::<usize>() > MAX_OBJECTS {
            return Err(AccountsError::TooLarge(
                format!("at most {MAX_OBJECTS} signed objects can be uploaded at once").into(),
            ));
        }
        retry_on_conflict!(self.try_upload_signatures(user, signed).await)
    }

    async fn try_upload_signatures(
        &self,
        user: &UserId,
        signed: &SignedObjects,
    ) -> Result<SignatureFailures, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let [master, self_signing, user_signing] =
            stored_keys(&snapshot, user).await?.map(|key| key.map(|(key, _)| key));
        let signer = Signer {
            user,
            master,
            self_signing_key: self_signing.as_ref().and_then(SignedObject::cross_signing_key),
            user_signing_key: user_signing.as_ref().and_then(SignedObject::cross_signing_key),
        };

        let mut batch = Batch::new();
        let mut failures = SignatureFailures::new();
        for (owner, objects) in signed {
            for (id, object) in objects {
                let taken = if owner == user {
                    signer.take_own(&snapshot, &mut batch, id, object).await
                } else {
                    signer.take_other(&snapshot, &mut batch, owner, id, object).await
                };
                match taken {
                    Ok(()) => {}
                    Err(error @ AccountsError::Store(_)) => return Err(error),
                    Err(error) => {
                        failures.entry(owner.clone()).or_default().insert(id.clone(), error);
                    }
                }
            }
        }
        drop(snapshot);
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(failures)
    }
}

impl Signer<'_> {
    /// A signature on one of the signer's own devices, or on the signer's master key.
    async fn take_own(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        id: &str,
        object: &RawValue,
    ) -> Result<(), AccountsError> {
        let master = self.master.as_ref();
        if master.and_then(SignedObject::cross_signing_key).is_some_and(|key| key == id) {
            return self.take_master(snapshot, batch, object).await;
        }
        let row = (self.user, id.to_owned());
        let row = (row.0, ruma::OwnedDeviceId::from(row.1));
        let (mut device, version) = snapshot
            .get_versioned(&DEVICE_KEYS, &row)
            .await?
            .ok_or_else(|| AccountsError::not_found("the user has no such device or key"))?;
        let signatures = self.signatures_on(&device, object)?;
        // Only the owner's self-signing key says that a device is the owner's.
        let key = self.self_signing_key.as_ref().ok_or_else(|| {
            AccountsError::not_found("the user has no self-signing key: upload one first")
        })?;
        let signature = valid_signature(&device, &signatures, key)?;
        if insert(&mut device, &format!("ed25519:{key}"), signature) {
            batch.require(&DEVICE_KEYS, &row, Expect::Version(version));
            batch.put(&DEVICE_KEYS, &row, &device);
            DeviceLists::changed(snapshot, batch, self.user).await?;
        }
        Ok(())
    }

    /// Signatures on the signer's own master key, by the signer's devices.
    async fn take_master(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        object: &RawValue,
    ) -> Result<(), AccountsError> {
        let row = (self.user, CrossSigningUsage::Master.index());
        let Some((mut master, version)) = snapshot.get_versioned(&CROSS_SIGNING_KEYS, row).await?
        else {
            return Err(AccountsError::not_found("the user has no master key"));
        };
        let signatures = self.signatures_on(&master, object)?;
        let mut changed = false;
        for (key_id, signature) in &signatures {
            if master.signatures.get(key_id) == Some(signature) {
                continue;
            }
            // A user's devices may vouch for the user's master key.
            let device_id = key_id.strip_prefix("ed25519:").unwrap_or(key_id);
            let device_id = <&ruma::DeviceId>::from(device_id);
            let device = snapshot
                .get(&DEVICE_KEYS, (self.user, device_id))
                .await?
                .and_then(|device| device.key(key_id));
            let valid = device.is_some_and(|key| master.is_signed(&key, signature));
            if !valid {
                return Err(invalid_signature());
            }
            changed |= insert(&mut master, key_id, signature.clone());
        }
        if signatures.is_empty() {
            return Err(invalid_signature());
        }
        if changed {
            batch.require(&CROSS_SIGNING_KEYS, row, Expect::Version(version));
            batch.put(&CROSS_SIGNING_KEYS, row, &master);
            DeviceLists::changed(snapshot, batch, self.user).await?;
        }
        Ok(())
    }

    /// A signature on another user's master key.
    async fn take_other(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        owner: &UserId,
        id: &str,
        object: &RawValue,
    ) -> Result<(), AccountsError> {
        let master = snapshot
            .get(&CROSS_SIGNING_KEYS, (owner, CrossSigningUsage::Master.index()))
            .await?
            .filter(|master| master.cross_signing_key().is_some_and(|key| key == id))
            .ok_or_else(|| {
                AccountsError::not_found(
                    "of other users only their present master key can be signed",
                )
            })?;
        let signatures = self.signatures_on(&master, object)?;
        // Only the user-signing key speaks about other users.
        let key = self.user_signing_key.as_ref().ok_or_else(|| {
            AccountsError::not_found("the user has no user-signing key: upload one first")
        })?;
        let signature = valid_signature(&master, &signatures, key)?;
        self.put_user_signature(snapshot, batch, owner, id, key, signature).await
    }

    async fn put_user_signature(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        owner: &UserId,
        master_key: &str,
        user_signing_key: &str,
        signature: String,
    ) -> Result<(), AccountsError> {
        let row = (self.user, owner);
        let signatures = BTreeMap::from([(format!("ed25519:{user_signing_key}"), signature)]);
        let stored = snapshot.get_versioned(&USER_SIGNATURES, row).await?;
        let version = stored.as_ref().map(|(_, version)| *version);
        if let Some((stored, version)) = stored {
            if stored.master_key == master_key && stored.signatures == signatures {
                return Ok(());
            }
            let older = Stamp { index: stored.index, ..Stamp::first_at(version) };
            batch.delete(&USER_SIGNATURE_CHANGES, (self.user, older));
        }
        let index = batch.append(&USER_SIGNATURE_CHANGES, (self.user,), &owner.to_string());
        let new = UserSignature { master_key: master_key.to_owned(), signatures, index };
        batch.require(&USER_SIGNATURES, row, Expect::unchanged(version));
        batch.put(&USER_SIGNATURES, row, &new);
        batch.touch(Touch::User(self.user.to_owned()));
        Ok(())
    }

    /// The signer's signatures on an object, which must be the published one.
    fn signatures_on(
        &self,
        published: &SignedObject,
        object: &RawValue,
    ) -> Result<BTreeMap<String, String>, AccountsError> {
        let bad_json = |error: serde_json::Error| AccountsError::BadJson(error.to_string().into());
        let parsed: CanonicalJsonObject = serde_json::from_str(object.get()).map_err(bad_json)?;
        let signatures = signatures_by(&parsed, self.user)?;
        if SignedObject::from_json(object.get(), self.user)?.body != published.body {
            return Err(AccountsError::invalid_param(
                "this is not the key that is published: query it again, then sign it",
            ));
        }
        Ok(signatures)
    }
}

/// The signature by this key, if it is valid.
fn valid_signature(
    object: &SignedObject,
    signatures: &BTreeMap<String, String>,
    public_key: &str,
) -> Result<String, AccountsError> {
    signatures
        .get(&format!("ed25519:{public_key}"))
        .filter(|signature| object.is_signed(public_key, signature))
        .cloned()
        .ok_or_else(invalid_signature)
}

/// Adds a signature; says whether that changed anything.
fn insert(object: &mut SignedObject, key_id: &str, signature: String) -> bool {
    object.signatures.insert(key_id.to_owned(), signature.clone()) != Some(signature)
}

fn invalid_signature() -> AccountsError {
    AccountsError::InvalidSignature(
        "the signature is not valid, or not by a key that may sign this".into(),
    )
}
