use pli_store::{Batch, Position, Store};
use ruma::user_id;
use serde_json::{Value, json};

use super::people::{Person, query, raw, raw_value};
use crate::{
    AccountsError,
    device_lists::DeviceLists,
    keys::{CrossSigning, CrossSigningUpload, DeviceKeys, UploadOutcome, forget_user},
};

async fn publish(cross_signing: &CrossSigning, person: &Person) {
    let outcome =
        cross_signing.upload(&person.user, &person.cross_signing_upload(), false).await.unwrap();
    assert_eq!(outcome, UploadOutcome::Done);
}

#[tokio::test]
async fn the_first_keys_need_no_authentication_and_can_be_repeated() {
    let store = Store::memory();
    let cross_signing = CrossSigning::new(store.clone());
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;

    publish(&cross_signing, &claire).await;
    let position = store.position().await.unwrap();
    publish(&cross_signing, &claire).await;
    assert_eq!(store.position().await.unwrap(), position);

    let answer = query(&keys, &claire.user, &[&claire]).await;
    let of_claire = |keys: &str| answer[keys]["@claire:example.org"].clone();
    assert_eq!(of_claire("master_keys")["keys"], claire.master_key()["keys"]);
    assert_eq!(of_claire("self_signing_keys"), claire.self_signing_key());
    assert_eq!(of_claire("user_signing_keys"), claire.user_signing_key());
    let snapshot = store.snapshot().await.unwrap();
    let changed = DeviceLists::changed_since(&snapshot, Position::ZERO).await.unwrap();
    assert_eq!(changed, [claire.user]);
}

#[tokio::test]
async fn only_its_owner_sees_a_user_signing_key() {
    let store = Store::memory();
    let cross_signing = CrossSigning::new(store.clone());
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    publish(&cross_signing, &claire).await;

    let answer = query(&keys, user_id!("@samir:example.org"), &[&claire]).await;

    assert_eq!(answer["user_signing_keys"], json!({}));
    assert!(answer["self_signing_keys"]["@claire:example.org"].is_object());
}

/// A stolen session must not be enough to pass for somebody.
#[tokio::test]
async fn other_keys_need_authentication() {
    let store = Store::memory();
    let cross_signing = CrossSigning::new(store.clone());
    let keys = DeviceKeys::new(store.clone());
    let mut claire = Person::sign_in(&store, "claire", "PHONE").await;
    publish(&cross_signing, &claire).await;
    let first_master = claire.master_key();
    let first_self_signing = claire.self_signing_key();
    let other_user_signing = {
        let mut other = Person::sign_in(&store, "claire", "PHONE").await;
        std::mem::swap(&mut other.master, &mut claire.master);
        let upload = CrossSigningUpload {
            user_signing_key: Some(raw(&other.user_signing_key())),
            ..CrossSigningUpload::default()
        };
        std::mem::swap(&mut other.master, &mut claire.master);
        upload
    };

    claire.reset_cross_signing();
    for upload in [claire.cross_signing_upload(), other_user_signing] {
        let outcome = cross_signing.upload(&claire.user, &upload, false).await.unwrap();
        assert_eq!(outcome, UploadOutcome::AuthenticationRequired);
    }
    let answer = query(&keys, &claire.user, &[&claire]).await;
    assert_eq!(answer["master_keys"]["@claire:example.org"]["keys"], first_master["keys"]);
    assert_eq!(answer["self_signing_keys"]["@claire:example.org"], first_self_signing);

    let upload = claire.cross_signing_upload();
    let outcome = cross_signing.upload(&claire.user, &upload, true).await.unwrap();
    assert_eq!(outcome, UploadOutcome::Done);
    let answer = query(&keys, &claire.user, &[&claire]).await;
    assert_eq!(answer["master_keys"]["@claire:example.org"]["keys"], claire.master_key()["keys"]);
}

#[tokio::test]
async fn a_new_master_key_drops_what_the_old_one_signed() {
    let store = Store::memory();
    let cross_signing = CrossSigning::new(store.clone());
    let keys = DeviceKeys::new(store.clone());
    let mut claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_device_keys(&keys).await;
    publish(&cross_signing, &claire).await;
    let signed = claire.self_signing.sign(&claire.user, &claire.device_keys());
    let by_device = [("PHONE".to_owned(), raw_value(&signed))].into();
    let by_user = [(claire.user.clone(), by_device)].into();
    let failures = cross_signing.upload_signatures(&claire.user, &by_user).await.unwrap();
    assert!(failures.is_empty(), "{failures:?}");

    claire.reset_cross_signing();
    let upload = CrossSigningUpload {
        master_key: Some(raw(&claire.master_key())),
        ..CrossSigningUpload::default()
    };
    cross_signing.upload(&claire.user, &upload, true).await.unwrap();

    let answer = query(&keys, &claire.user, &[&claire]).await;
    assert_eq!(answer["self_signing_keys"], json!({}));
    assert_eq!(answer["user_signing_keys"], json!({}));
    let device = &answer["device_keys"]["@claire:example.org"]["PHONE"];
    assert_eq!(device["signatures"], claire.device_keys()["signatures"]);
}

#[tokio::test]
async fn keys_that_the_master_key_did_not_sign_are_refused() {
    let store = Store::memory();
    let cross_signing = CrossSigning::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    let samir = Person::sign_in(&store, "samir", "PHONE").await;
    let mut unsigned = claire.self_signing_key();
    unsigned.as_object_mut().unwrap().remove("signatures");
    let mut forged = claire.self_signing_key();
    forged["signatures"]["@claire:example.org"][format!("ed25519:{}", claire.master.public_key)] = json!(
        "dSO80A01XiigH3uBiDVx/EjzaoycHcjq9lfQX0uWsqxl2giMIiSPR8a4d291W1ihKJL/a+myXS367WT6NAIcBA"
    );
    let by_another = samir.master.sign(&claire.user, &unsigned);

    for self_signing_key in [unsigned, forged, by_another] {
        let upload = CrossSigningUpload {
            self_signing_key: Some(raw(&self_signing_key)),
            ..claire.cross_signing_upload()
        };
        let error = cross_signing.upload(&claire.user, &upload, true).await.unwrap_err();
        assert!(matches!(error, AccountsError::InvalidSignature(_)), "{error}");
    }
}

#[tokio::test]
async fn keys_of_another_user_usage_or_form_are_refused() {
    let store = Store::memory();
    let cross_signing = CrossSigning::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    let samir = Person::sign_in(&store, "samir", "PHONE").await;
    let with_keys = |keys: Value| {
        let mut key = claire.master_key();
        key["keys"] = keys;
        key
    };
    let public_key = &claire.master.public_key;
    let other = &claire.self_signing.public_key;
    let refused = [
        samir.master_key(),
        claire.self_signing_key(),
        with_keys(json!({})),
        with_keys(json!({ format!("ed25519:{public_key}"): other })),
        with_keys(json!({ "ed25519:short": "short" })),
        with_keys(json!({
            format!("ed25519:{public_key}"): public_key,
            format!("ed25519:{other}"): other,
        })),
    ];
    for master_key in refused {
        let upload = CrossSigningUpload {
            master_key: Some(raw(&master_key)),
            ..CrossSigningUpload::default()
        };
        let error = cross_signing.upload(&claire.user, &upload, true).await.unwrap_err();
        assert!(matches!(error, AccountsError::InvalidParam(_)), "{error}: {master_key}");
    }

    let no_master = CrossSigningUpload { master_key: None, ..claire.cross_signing_upload() };
    let error = cross_signing.upload(&claire.user, &no_master, true).await.unwrap_err();
    assert!(matches!(error, AccountsError::MissingParam(_)), "{error}");
}

#[tokio::test]
async fn a_key_that_is_a_device_s_id_is_refused() {
    let store = Store::memory();
    let cross_signing = CrossSigning::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    Person::sign_in(&store, "claire", &claire.user_signing.public_key).await;

    let upload = claire.cross_signing_upload();
    let error = cross_signing.upload(&claire.user, &upload, true).await.unwrap_err();

    assert!(matches!(error, AccountsError::Forbidden(_)), "{error}");
}

#[tokio::test]
async fn a_deactivated_user_has_no_keys_left() {
    let store = Store::memory();
    let cross_signing = CrossSigning::new(store.clone());
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    publish(&cross_signing, &claire).await;

    let snapshot = store.snapshot().await.unwrap();
    let mut batch = Batch::new();
    forget_user(&snapshot, &mut batch, &claire.user).await.unwrap();
    drop(snapshot);
    store.commit(batch).await.unwrap();

    let answer = query(&keys, &claire.user, &[&claire]).await;
    for name in ["master_keys", "self_signing_keys", "user_signing_keys"] {
        assert_eq!(answer[name], json!({}), "{name}");
    }
}
