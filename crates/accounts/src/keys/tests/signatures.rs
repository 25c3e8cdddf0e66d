use pli_store::{Position, Store};
use ruma::{UserId, user_id};
use serde_json::{Value, json};

use super::people::{Person, query, raw_value};
use crate::{
    AccountsError,
    device_lists::DeviceLists,
    keys::{CrossSigning, DeviceKeys, SignatureFailures},
};

struct Server {
    store: Store,
    keys: DeviceKeys,
    cross_signing: CrossSigning,
}

impl Server {
    fn new() -> Self {
        let store = Store::memory();
        Self {
            keys: DeviceKeys::new(store.clone()),
            cross_signing: CrossSigning::new(store.clone()),
            store,
        }
    }

    /// A person who published all keys.
    async fn person(&self, name: &str) -> Person {
        let person = Person::sign_in(&self.store, name, "PHONE").await;
        person.upload_device_keys(&self.keys).await;
        let upload = person.cross_signing_upload();
        self.cross_signing.upload(&person.user, &upload, false).await.unwrap();
        person
    }

    async fn sign(
        &self,
        signer: &Person,
        owner: &UserId,
        id: &str,
        object: &Value,
    ) -> SignatureFailures {
        let objects = [(id.to_owned(), raw_value(object))].into();
        let signed = [(owner.to_owned(), objects)].into();
        self.cross_signing.upload_signatures(&signer.user, &signed).await.unwrap()
    }
}

#[tokio::test]
async fn a_device_signed_by_its_owner_is_seen_signed_by_everybody() {
    let server = Server::new();
    let claire = server.person("claire").await;
    let signed = claire.self_signing.sign(&claire.user, &claire.device_keys());

    let failures = server.sign(&claire, &claire.user, "PHONE", &signed).await;

    assert!(failures.is_empty(), "{failures:?}");
    let answer = query(&server.keys, user_id!("@samir:example.org"), &[&claire]).await;
    let device = &answer["device_keys"]["@claire:example.org"]["PHONE"];
    assert_eq!(device["signatures"], signed["signatures"]);
    // Uploading the keys again doesn't lose the signature.
    claire.upload_device_keys(&server.keys).await;
    let answer = query(&server.keys, user_id!("@samir:example.org"), &[&claire]).await;
    let device = &answer["device_keys"]["@claire:example.org"]["PHONE"];
    assert_eq!(device["signatures"], signed["signatures"]);
}

#[tokio::test]
async fn a_device_can_vouch_for_its_owner_s_master_key() {
    let server = Server::new();
    let claire = server.person("claire").await;
    let signed = claire.device_key.sign(&claire.user, &claire.master_key());

    let failures = server.sign(&claire, &claire.user, &claire.master.public_key, &signed).await;

    assert!(failures.is_empty(), "{failures:?}");
    let answer = query(&server.keys, user_id!("@samir:example.org"), &[&claire]).await;
    assert_eq!(answer["master_keys"]["@claire:example.org"], signed);
}

/// Who verified whom is a map of who knows whom.
#[tokio::test]
async fn a_verified_person_is_seen_verified_by_the_verifier_only() {
    let server = Server::new();
    let claire = server.person("claire").await;
    let samir = server.person("samir").await;
    let before = server.store.position().await.unwrap();
    let signed = claire.user_signing.sign(&claire.user, &samir.master_key());

    let failures = server.sign(&claire, &samir.user, &samir.master.public_key, &signed).await;

    assert!(failures.is_empty(), "{failures:?}");
    let master_key = async |asker: &UserId| {
        let answer = query(&server.keys, asker, &[&samir]).await;
        answer["master_keys"]["@samir:example.org"].clone()
    };
    assert_eq!(
        master_key(&claire.user).await["signatures"]["@claire:example.org"],
        signed["signatures"]["@claire:example.org"]
    );
    for asker in [&*samir.user, user_id!("@hugo:example.org")] {
        assert!(master_key(asker).await["signatures"].get("@claire:example.org").is_none());
    }
    // Her other devices learn of it, nobody else does.
    let snapshot = server.store.snapshot().await.unwrap();
    let of_claire = DeviceLists::signed_since(&snapshot, &claire.user, before).await.unwrap();
    assert_eq!(of_claire, std::slice::from_ref(&samir.user));
    let of_samir = DeviceLists::signed_since(&snapshot, &samir.user, before).await.unwrap();
    assert!(of_samir.is_empty());
    let changed = DeviceLists::changed_since(&snapshot, before).await.unwrap();
    assert!(changed.is_empty(), "{changed:?}");
}

#[tokio::test]
async fn a_verification_ends_with_the_key_that_was_verified() {
    let server = Server::new();
    let claire = server.person("claire").await;
    let mut samir = server.person("samir").await;
    let signed = claire.user_signing.sign(&claire.user, &samir.master_key());
    server.sign(&claire, &samir.user, &samir.master.public_key, &signed).await;

    samir.reset_cross_signing();
    let upload = samir.cross_signing_upload();
    server.cross_signing.upload(&samir.user, &upload, true).await.unwrap();

    let answer = query(&server.keys, &claire.user, &[&samir]).await;
    let signatures = &answer["master_keys"]["@samir:example.org"]["signatures"];
    assert!(signatures.get("@claire:example.org").is_none(), "{signatures}");

    // Verified again: the stream still has one entry.
    let signed = claire.user_signing.sign(&claire.user, &samir.master_key());
    server.sign(&claire, &samir.user, &samir.master.public_key, &signed).await;
    let snapshot = server.store.snapshot().await.unwrap();
    let all = DeviceLists::signed_since(&snapshot, &claire.user, Position::ZERO).await.unwrap();
    assert_eq!(all, [samir.user]);
}

#[tokio::test]
async fn signatures_by_keys_that_may_not_sign_this_are_refused_one_by_one() {
    let server = Server::new();
    let claire = server.person("claire").await;
    let samir = server.person("samir").await;
    let mut forged = claire.self_signing.sign(&claire.user, &claire.device_keys());
    forged["signatures"]["@claire:example.org"]
        [format!("ed25519:{}", claire.self_signing.public_key)] = json!("AAAA");
    let by_user_signing = claire.user_signing.sign(&claire.user, &claire.device_keys());
    let other_by_master = claire.master.sign(&claire.user, &samir.master_key());
    let master_by_user_signing = claire.user_signing.sign(&claire.user, &claire.master_key());

    let cases = [
        (&claire.user, "PHONE", &forged),
        (&claire.user, "PHONE", &by_user_signing),
        (&samir.user, samir.master.public_key.as_str(), &other_by_master),
        (&claire.user, claire.master.public_key.as_str(), &master_by_user_signing),
    ];
    for (owner, id, object) in cases {
        let failures = server.sign(&claire, owner, id, object).await;
        let error = &failures[owner][id];
        assert!(matches!(error, AccountsError::InvalidSignature(_)), "{error}: {object}");
    }
}

#[tokio::test]
async fn what_is_not_published_can_t_be_signed_and_the_rest_is() {
    let server = Server::new();
    let claire = server.person("claire").await;
    let samir = server.person("samir").await;
    let mut altered = claire.device_keys();
    altered["keys"]["curve25519:PHONE"] = json!("another key");
    let altered = claire.self_signing.sign(&claire.user, &altered);
    let failures = server.sign(&claire, &claire.user, "PHONE", &altered).await;
    assert!(matches!(failures[&claire.user]["PHONE"], AccountsError::InvalidParam(_)));

    // Another user's device is theirs to sign.
    let theirs = claire.user_signing.sign(&claire.user, &samir.device_keys());
    let mine = claire.self_signing.sign(&claire.user, &claire.device_keys());
    let signed = [
        (samir.user.clone(), [("PHONE".to_owned(), raw_value(&theirs))].into()),
        (
            claire.user.clone(),
            [("PHONE".to_owned(), raw_value(&mine)), ("GONE".to_owned(), raw_value(&mine))].into(),
        ),
    ]
    .into();
    let failures = server.cross_signing.upload_signatures(&claire.user, &signed).await.unwrap();

    assert!(matches!(failures[&samir.user]["PHONE"], AccountsError::NotFound(_)));
    assert!(matches!(failures[&claire.user]["GONE"], AccountsError::NotFound(_)));
    assert_eq!(failures[&claire.user].len(), 1);
    let answer = query(&server.keys, &claire.user, &[&claire]).await;
    let device = &answer["device_keys"]["@claire:example.org"]["PHONE"];
    assert_eq!(device["signatures"], mine["signatures"]);
}
