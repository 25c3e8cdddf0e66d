//! Keys of devices, over HTTP.

use reqwest::StatusCode;
use ruma::{
    CanonicalJsonObject,
    serde::{Base64, base64::Standard},
    signatures::{Ed25519KeyPair, sign_json},
};
use serde_json::{Value, json};

use crate::support::{PASSWORD, Person, TestServer};

const UPLOAD: &str = "/_matrix/client/v3/keys/upload";
const QUERY: &str = "/_matrix/client/v3/keys/query";
const CLAIM: &str = "/_matrix/client/v3/keys/claim";
const SIGNING_KEYS: &str = "/_matrix/client/v3/keys/device_signing/upload";
const SIGNATURES: &str = "/_matrix/client/v3/keys/signatures/upload";

/// A key pair named after a device or, for cross-signing, after its own public key.
struct KeyPair {
    pair: Ed25519KeyPair,
    public_key: String,
}

impl KeyPair {
    fn new(name: Option<&str>) -> Self {
        let document = Ed25519KeyPair::generate();
        let unnamed = Ed25519KeyPair::from_der(&document, "1".to_owned()).unwrap();
        let public_key = Base64::<Standard, _>::new(unnamed.public_key().to_vec()).encode();
        let name = name.unwrap_or(&public_key).to_owned();
        Self { pair: Ed25519KeyPair::from_der(&document, name).unwrap(), public_key }
    }

    fn sign(&self, person: &Person, object: Value) -> Value {
        let mut object: CanonicalJsonObject = serde_json::from_value(object).unwrap();
        sign_json(&person.user_id, &self.pair, &mut object).unwrap();
        serde_json::to_value(object).unwrap()
    }

    fn cross_signing_key(&self, person: &Person, usage: &str) -> Value {
        json!({
            "user_id": person.user_id,
            "usage": [usage],
            "keys": { format!("ed25519:{}", self.public_key): self.public_key },
        })
    }
}

fn device_keys(person: &Person, key: &KeyPair) -> Value {
    let device_id = &person.device_id;
    let keys = json!({
        "user_id": person.user_id,
        "device_id": device_id,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": {
            format!("ed25519:{device_id}"): key.public_key,
            format!("curve25519:{device_id}"): "3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI",
        },
    });
    key.sign(person, keys)
}

fn one_time_keys(numbers: std::ops::Range<u32>) -> Value {
    let key = |number| {
        let content = json!({ "key": format!("key {number}"), "signatures": {} });
        (format!("signed_curve25519:{number:04}"), content)
    };
    numbers.map(key).collect()
}

async fn claim(server: &TestServer, by: &Person, of: &Person) -> Option<String> {
    let wanted = json!({ &of.user_id: { &of.device_id: "signed_curve25519" } });
    let answer = server.post(by, CLAIM, json!({ "one_time_keys": wanted })).await.ok();
    let keys = answer["one_time_keys"][&of.user_id][&of.device_id].as_object()?.clone();
    assert_eq!(keys.len(), 1);
    keys.keys().next().cloned()
}

#[tokio::test]
async fn two_people_get_each_other_s_keys() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let keys = device_keys(&claire, &KeyPair::new(Some(&claire.device_id)));

    let body = json!({ "device_keys": keys, "one_time_keys": one_time_keys(0..2) });
    let answer = server.post(&claire, UPLOAD, body).await.ok();
    assert_eq!(answer["one_time_key_counts"], json!({ "signed_curve25519": 2 }));

    let body = json!({ "device_keys": { &claire.user_id: [] } });
    let answer = server.post(&samir, QUERY, body).await.ok();
    let device = &answer["device_keys"][&claire.user_id][&claire.device_id];
    assert_eq!(device["keys"], keys["keys"]);
    assert_eq!(device["signatures"], keys["signatures"]);

    let first = claim(&server, &samir, &claire).await.unwrap();
    let second = claim(&server, &samir, &claire).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(claim(&server, &samir, &claire).await, None);
}

/// A key that is given again after a crash would be shared by two who think it is theirs.
#[tokio::test]
async fn a_claimed_key_stays_claimed_after_a_restart() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let body = json!({
        "one_time_keys": one_time_keys(0..25),
        "fallback_keys": one_time_keys(100..101),
    });
    server.post(&claire, UPLOAD, body).await.ok();
    let mut given = std::collections::BTreeSet::new();
    for _ in 0..13 {
        assert!(given.insert(claim(&server, &claire, &claire).await.unwrap()));
    }

    server.restart().await;

    for _ in 0..12 {
        assert!(given.insert(claim(&server, &claire, &claire).await.unwrap()));
    }
    for _ in 0..2 {
        let fallback = claim(&server, &claire, &claire).await.unwrap();
        assert_eq!(fallback, "signed_curve25519:0100");
    }
}

#[tokio::test]
async fn what_a_device_may_not_upload_has_its_error() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let foreign = device_keys(&samir, &KeyPair::new(Some(&samir.device_id)));

    let cases = [
        (json!({ "device_keys": foreign }), "M_INVALID_PARAM"),
        (json!({ "device_keys": {} }), "M_BAD_JSON"),
        (json!({ "one_time_keys": { "signed_curve25519:1": 7 } }), "M_BAD_JSON"),
        (json!({ "one_time_keys": [] }), "M_BAD_JSON"),
    ];
    for (body, errcode) in cases {
        let answer = server.post(&claire, UPLOAD, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        assert_eq!(answer.body["errcode"], errcode, "{answer:?}");
    }
}

#[tokio::test]
async fn replacing_cross_signing_keys_needs_the_password() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let keys = || {
        let (master, self_signing) = (KeyPair::new(None), KeyPair::new(None));
        let self_signing_key = self_signing.cross_signing_key(&claire, "self_signing");
        json!({
            "master_key": master.cross_signing_key(&claire, "master"),
            "self_signing_key": master.sign(&claire, self_signing_key),
        })
    };
    let first = keys();
    server.post(&claire, SIGNING_KEYS, first.clone()).await.ok();
    server.post(&claire, SIGNING_KEYS, first).await.ok();

    let mut second = keys();
    let challenge = server.post(&claire, SIGNING_KEYS, second.clone()).await;
    assert_eq!(challenge.status, StatusCode::UNAUTHORIZED);
    assert_eq!(challenge.body["flows"], json!([{ "stages": ["m.login.password"] }]));
    second["auth"] = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": claire.user_id },
        "password": PASSWORD,
        "session": challenge.body["session"],
    });
    server.post(&claire, SIGNING_KEYS, second.clone()).await.ok();

    let body = json!({ "device_keys": { &claire.user_id: [] } });
    let answer = server.post(&claire, QUERY, body).await.ok();
    assert_eq!(answer["master_keys"][&claire.user_id]["keys"], second["master_key"]["keys"]);
}

#[tokio::test]
async fn signatures_that_do_not_hold_are_named_in_the_answer() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let (master, self_signing) = (KeyPair::new(None), KeyPair::new(None));
    let self_signing_key = self_signing.cross_signing_key(&claire, "self_signing");
    let body = json!({
        "master_key": master.cross_signing_key(&claire, "master"),
        "self_signing_key": master.sign(&claire, self_signing_key),
    });
    server.post(&claire, SIGNING_KEYS, body).await.ok();
    let device = device_keys(&claire, &KeyPair::new(Some(&claire.device_id)));
    server.post(&claire, UPLOAD, json!({ "device_keys": device })).await.ok();

    let upload = |signed: Value| json!({ &claire.user_id: { &claire.device_id: signed } });
    let forged = upload(master.sign(&claire, device.clone()));
    let answer = server.post(&claire, SIGNATURES, forged).await.ok();
    let failure = &answer["failures"][&claire.user_id][&claire.device_id];
    assert_eq!(failure["errcode"], "M_INVALID_SIGNATURE", "{answer}");

    let signed = upload(self_signing.sign(&claire, device));
    let answer = server.post(&claire, SIGNATURES, signed).await.ok();
    assert_eq!(answer["failures"], json!({}));
}

#[tokio::test]
async fn the_keys_of_a_device_go_when_it_signs_out() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let laptop = server.sign_in("claire").await;
    let keys = device_keys(&laptop, &KeyPair::new(Some(&laptop.device_id)));
    let body = json!({ "device_keys": keys, "one_time_keys": one_time_keys(0..2) });
    server.post(&laptop, UPLOAD, body).await.ok();

    server.post(&laptop, "/_matrix/client/v3/logout", json!({})).await.ok();

    let body = json!({ "device_keys": { &claire.user_id: [] } });
    let answer = server.post(&claire, QUERY, body).await.ok();
    assert_eq!(answer["device_keys"][&claire.user_id], json!({}));
    assert_eq!(claim(&server, &claire, &laptop).await, None);
}
