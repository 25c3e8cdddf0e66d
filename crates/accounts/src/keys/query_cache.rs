//! What `/keys/query` answers about a user, ready to be copied into an answer.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use pli_store::{Direction, Position, Snapshot};
use quick_cache::{Weighter, sync::Cache};
use ruma::{OwnedDeviceId, OwnedUserId, UserId};

use super::{
    json::{push_separator, push_string},
    tables::{CROSS_SIGNING_KEYS, CrossSigningUsage, DEVICE_KEYS, USER_SIGNATURES, UserSignature},
};
use crate::{
    AccountsError,
    device_lists::{UNLIMITED, USER_SIGNATURE_CHANGES},
    devices::Devices,
};

/// How much memory the cache of users' keys may take, in bytes.
const KEYS_CAPACITY: u64 = 16 * 1024 * 1024;
/// A user with two devices takes about this much.
const USUAL_WEIGHT: u64 = 3 * 1024;
/// For how many users it is remembered whom they signed.
const SIGNATURES_CAPACITY: usize = 2_000;

/// A user's keys as JSON. Right as long as the user's device list has the version.
pub(crate) struct UserKeys {
    version: Position,
    /// `{"DEVICE":{…},…}`
    pub(crate) devices: String,
    /// Where each device's `"DEVICE":{…}` is in it.
    pub(crate) device_ranges: BTreeMap<OwnedDeviceId, Range<usize>>,
    pub(crate) master: Option<MasterKey>,
    pub(crate) self_signing: Option<String>,
    pub(crate) user_signing: Option<String>,
}

/// A master key, open for the signatures that only the one who asks may see.
pub(crate) struct MasterKey {
    /// The public key in base64.
    pub(crate) public_key: String,
    /// `{…,"signatures":{"@owner:…":{…}`
    pub(crate) open_json: String,
}

/// The master keys that a user signed, by their owner.
pub(crate) struct SignedUsers {
    version: Position,
    pub(crate) by_user: BTreeMap<OwnedUserId, UserSignature>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<OwnedUserId, Arc<UserKeys>> for ByBytes {
    fn weight(&self, _user: &OwnedUserId, keys: &Arc<UserKeys>) -> u64 {
        let others = [&keys.self_signing, &keys.user_signing]
            .map(|json| json.as_ref().map_or(0, String::len));
        let master = keys.master.as_ref().map_or(0, |master| master.open_json.len());
        (256 + keys.devices.len() + master + others[0] + others[1]) as u64
    }
}

/// Caches of what doesn't change until its version does. They never need to be told of a change.
pub(crate) struct QueryCache {
    keys: Cache<OwnedUserId, Arc<UserKeys>, ByBytes>,
    signed: Cache<OwnedUserId, Arc<SignedUsers>>,
}

impl QueryCache {
    pub(crate) fn new() -> Self {
        let items = usize::try_from(KEYS_CAPACITY / USUAL_WEIGHT).unwrap_or(usize::MAX);
        Self {
            keys: Cache::with_weighter(items, KEYS_CAPACITY, ByBytes),
            signed: Cache::new(SIGNATURES_CAPACITY),
        }
    }

    /// The keys of a user whose device list has this version.
    pub(crate) async fn user_keys(
        &self,
        snapshot: &Snapshot,
        user: &UserId,
        version: Position,
    ) -> Result<Arc<UserKeys>, AccountsError> {
        if let Some(keys) = self.keys.get(user)
            && keys.version == version
        {
            return Ok(keys);
        }
        let keys = Arc::new(UserKeys::read(snapshot, user, version).await?);
        self.keys.insert(user.to_owned(), keys.clone());
        Ok(keys)
    }

    /// Whom a user signed. `None`: nobody.
    pub(crate) async fn signed_users(
        &self,
        snapshot: &Snapshot,
        signer: &UserId,
    ) -> Result<Option<Arc<SignedUsers>>, AccountsError> {
        let range = USER_SIGNATURE_CHANGES.prefix((signer,));
        let newest = snapshot.scan(&USER_SIGNATURE_CHANGES, range, 1, Direction::Backward).await?;
        let Some(version) = newest.first().map(|row| row.version) else { return Ok(None) };
        if let Some(signed) = self.signed.get(signer)
            && signed.version == version
        {
            return Ok(Some(signed));
        }
        let rows = snapshot
            .scan(
                &USER_SIGNATURES,
                USER_SIGNATURES.prefix((signer,)),
                UNLIMITED,
                Direction::Forward,
            )
            .await?;
        let by_user = rows.into_iter().map(|row| (row.key.1, row.value)).collect();
        let signed = Arc::new(SignedUsers { version, by_user });
        self.signed.insert(signer.to_owned(), signed.clone());
        Ok(Some(signed))
    }
}

impl UserKeys {
    async fn read(
        snapshot: &Snapshot,
        user: &UserId,
        version: Position,
    ) -> Result<Self, AccountsError> {
        let names: BTreeMap<OwnedDeviceId, Option<String>> =
            Devices::names_at(snapshot, user).await?.into_iter().collect();
        let rows = snapshot
            .scan(&DEVICE_KEYS, DEVICE_KEYS.prefix((user,)), UNLIMITED, Direction::Forward)
            .await?;
        let mut devices = String::from("{");
        let mut device_ranges = BTreeMap::new();
        for row in rows {
            let (_, device) = row.key;
            push_separator(&mut devices, 1);
            let start = devices.len();
            push_string(&mut devices, device.as_str());
            devices.push(':');
            row.value.push_open(&mut devices, user);
            devices.push_str("},\"unsigned\":{");
            if let Some(Some(name)) = names.get(&device) {
                devices.push_str("\"device_display_name\":");
                push_string(&mut devices, name);
            }
            devices.push_str("}}");
            device_ranges.insert(device, start..devices.len());
        }
        devices.push('}');

        let usages = CrossSigningUsage::ALL.map(|usage| (user, usage.index()));
        let mut keys = snapshot.get_many(&CROSS_SIGNING_KEYS, usages).await?.into_iter();
        let mut next = || keys.next().flatten().map(|(key, _)| key);
        let master = next().and_then(|key| {
            let mut open_json = String::new();
            key.push_open(&mut open_json, user);
            Some(MasterKey { public_key: key.cross_signing_key()?, open_json })
        });
        let mut next_json = || {
            next().map(|key| {
                let mut json = String::new();
                key.push(&mut json, user);
                json
            })
        };
        let self_signing = next_json();
        let user_signing = next_json();
        Ok(Self { version, devices, device_ranges, master, self_signing, user_signing })
    }
}
