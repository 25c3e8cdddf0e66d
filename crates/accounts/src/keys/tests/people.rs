//! People with devices and real keys.

use std::collections::BTreeMap;

use pli_store::{Batch, Store};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, OneTimeKeyAlgorithm, OwnedDeviceId, OwnedOneTimeKeyId,
    OwnedUserId, UserId,
    encryption::OneTimeKey,
    serde::Raw,
    signatures::{Ed25519KeyPair, sign_json},
};
use serde_json::{Value, json, value::RawValue};

use crate::{
    devices::{DEVICES, DeviceRecord},
    keys::{CrossSigningUpload, DeviceKeys, KeyUpload},
};

/// A key pair whose name is given or, for cross-signing keys, its own public key.
pub(super) struct KeyPair {
    pair: Ed25519KeyPair,
    pub(super) public_key: String,
}

impl KeyPair {
    fn new(name: Option<&str>) -> Self {
        let document = Ed25519KeyPair::generate();
        let unnamed = Ed25519KeyPair::from_der(&document, "1".to_owned()).unwrap();
        let public_key = ruma::serde::Base64::<ruma::serde::base64::Standard, _>::new(
            unnamed.public_key().to_vec(),
        )
        .encode();
        let name = name.unwrap_or(&public_key).to_owned();
        let pair = Ed25519KeyPair::from_der(&document, name).unwrap();
        Self { pair, public_key }
    }

    pub(super) fn sign(&self, user: &UserId, object: &Value) -> Value {
        let mut object: CanonicalJsonObject = serde_json::from_value(object.clone()).unwrap();
        sign_json(user.as_str(), &self.pair, &mut object).unwrap();
        serde_json::to_value(CanonicalJsonValue::Object(object)).unwrap()
    }
}

/// A person with one device and cross-signing keys.
pub(super) struct Person {
    pub(super) user: OwnedUserId,
    pub(super) device: OwnedDeviceId,
    pub(super) device_key: KeyPair,
    pub(super) master: KeyPair,
    pub(super) self_signing: KeyPair,
    pub(super) user_signing: KeyPair,
}

impl Person {
    /// A person who is signed in on one device.
    pub(super) async fn sign_in(store: &Store, name: &str, device: &str) -> Self {
        let user = UserId::parse(format!("@{name}:example.org")).unwrap();
        let device = OwnedDeviceId::from(device);
        let record = DeviceRecord { display_name: Some(format!("{name}'s phone")), created_ms: 0 };
        let mut batch = Batch::new();
        batch.put(&DEVICES, (&user, &device), &record);
        store.commit(batch).await.unwrap();
        Self {
            device_key: KeyPair::new(Some(device.as_str())),
            master: KeyPair::new(None),
            self_signing: KeyPair::new(None),
            user_signing: KeyPair::new(None),
            user,
            device,
        }
    }

    /// The device's identity keys, signed by the device.
    pub(super) fn device_keys(&self) -> Value {
        let device = &self.device;
        let keys = json!({
            "user_id": self.user,
            "device_id": device,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {
                format!("ed25519:{device}"): self.device_key.public_key,
                format!("curve25519:{device}"): "3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI",
            },
        });
        self.device_key.sign(&self.user, &keys)
    }

    pub(super) fn master_key(&self) -> Value {
        self.cross_signing_key("master", &self.master)
    }

    pub(super) fn self_signing_key(&self) -> Value {
        self.master.sign(&self.user, &self.cross_signing_key("self_signing", &self.self_signing))
    }

    pub(super) fn user_signing_key(&self) -> Value {
        self.master.sign(&self.user, &self.cross_signing_key("user_signing", &self.user_signing))
    }

    fn cross_signing_key(&self, usage: &str, key: &KeyPair) -> Value {
        json!({
            "user_id": self.user,
            "usage": [usage],
            "keys": { format!("ed25519:{}", key.public_key): key.public_key },
        })
    }

    pub(super) fn cross_signing_upload(&self) -> CrossSigningUpload {
        CrossSigningUpload {
            master_key: Some(raw(&self.master_key())),
            self_signing_key: Some(raw(&self.self_signing_key())),
            user_signing_key: Some(raw(&self.user_signing_key())),
        }
    }

    /// Other key pairs for everything, as after losing all sessions.
    pub(super) fn reset_cross_signing(&mut self) {
        self.master = KeyPair::new(None);
        self.self_signing = KeyPair::new(None);
        self.user_signing = KeyPair::new(None);
    }

    /// A one-time key whose content follows from its number, signed by the device.
    pub(super) fn one_time_key(&self, number: usize) -> Value {
        self.device_key.sign(&self.user, &json!({ "key": format!("one-time key {number}") }))
    }

    pub(super) fn one_time_keys(
        &self,
        numbers: impl IntoIterator<Item = usize>,
    ) -> BTreeMap<OwnedOneTimeKeyId, Raw<OneTimeKey>> {
        let key = |number| (key_id(number), raw(&self.one_time_key(number)));
        numbers.into_iter().map(key).collect()
    }

    pub(super) async fn upload_one_time_keys(
        &self,
        keys: &DeviceKeys,
        numbers: impl IntoIterator<Item = usize>,
    ) {
        let upload =
            KeyUpload { one_time_keys: self.one_time_keys(numbers), ..KeyUpload::default() };
        keys.upload(&self.user, &self.device, &upload).await.unwrap();
    }

    pub(super) async fn upload_fallback_key(&self, keys: &DeviceKeys, number: usize) {
        let upload =
            KeyUpload { fallback_keys: self.one_time_keys([number]), ..KeyUpload::default() };
        keys.upload(&self.user, &self.device, &upload).await.unwrap();
    }

    pub(super) async fn upload_device_keys(&self, keys: &DeviceKeys) {
        let upload =
            KeyUpload { device_keys: Some(raw(&self.device_keys())), ..KeyUpload::default() };
        keys.upload(&self.user, &self.device, &upload).await.unwrap();
    }

    /// A claim of one of this person's keys.
    pub(super) fn wanted(
        &self,
    ) -> BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, OneTimeKeyAlgorithm>> {
        let device = BTreeMap::from([(self.device.clone(), "signed_curve25519".into())]);
        BTreeMap::from([(self.user.clone(), device)])
    }
}

pub(super) fn key_id(number: usize) -> OwnedOneTimeKeyId {
    format!("signed_curve25519:{number:06}").try_into().unwrap()
}

pub(super) fn raw<T>(json: &Value) -> Raw<T> {
    Raw::from_json(raw_value(json))
}

pub(super) fn raw_value(json: &Value) -> Box<RawValue> {
    RawValue::from_string(json.to_string()).unwrap()
}

/// What `asker` is told about people.
pub(super) async fn query(keys: &DeviceKeys, asker: &UserId, users: &[&Person]) -> Value {
    let wanted = users.iter().map(|person| (person.user.clone(), Vec::new())).collect();
    let answer = keys.query(asker, ruma::server_name!("example.org"), &wanted).await.unwrap();
    serde_json::from_str(&answer).unwrap()
}
