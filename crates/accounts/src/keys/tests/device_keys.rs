use pli_store::{Batch, Position, Store};
use ruma::{device_id, server_name, user_id};
use serde_json::{Value, json};

use super::people::{Person, query, raw};
use crate::{
    AccountsError,
    device_lists::DeviceLists,
    keys::{DeviceKeys, KeyUpload, OneTimeKeys, forget_device},
};

async fn upload(keys: &DeviceKeys, person: &Person, json: &Value) -> Result<(), AccountsError> {
    let upload = KeyUpload { device_keys: Some(raw(json)), ..KeyUpload::default() };
    keys.upload(&person.user, &person.device, &upload).await.map(drop)
}

#[tokio::test]
async fn others_get_a_device_s_keys_with_its_signature_and_name() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_device_keys(&keys).await;

    let answer = query(&keys, user_id!("@samir:example.org"), &[&claire]).await;

    let mut expected = claire.device_keys();
    expected["unsigned"] = json!({ "device_display_name": "claire's phone" });
    assert_eq!(answer["device_keys"]["@claire:example.org"], json!({ "PHONE": expected }));
    assert_eq!(answer["failures"], json!({}));
}

#[tokio::test]
async fn a_query_for_one_device_leaves_the_others_out() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let phone = Person::sign_in(&store, "claire", "PHONE").await;
    let laptop = Person::sign_in(&store, "claire", "LAPTOP").await;
    phone.upload_device_keys(&keys).await;
    laptop.upload_device_keys(&keys).await;

    let wanted = [(phone.user.clone(), vec![laptop.device.clone()])].into();
    let answer = keys.query(&phone.user, server_name!("example.org"), &wanted).await.unwrap();

    let answer: Value = serde_json::from_str(&answer).unwrap();
    let devices = answer["device_keys"]["@claire:example.org"].as_object().unwrap();
    assert_eq!(devices.keys().collect::<Vec<_>>(), ["LAPTOP"]);
}

#[tokio::test]
async fn unknown_people_look_like_people_without_devices_and_other_servers_fail() {
    let keys = DeviceKeys::new(Store::memory());
    let wanted = [
        (user_id!("@nobody:example.org").to_owned(), vec![]),
        (user_id!("@hugo:justice.example").to_owned(), vec![]),
    ]
    .into();

    let asker = user_id!("@claire:example.org");
    let answer = keys.query(asker, server_name!("example.org"), &wanted).await.unwrap();

    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["device_keys"], json!({ "@nobody:example.org": {} }));
    assert_eq!(answer["failures"], json!({ "justice.example": {} }));
}

#[tokio::test]
async fn nobody_can_publish_keys_for_another_user_or_device() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    let samir = Person::sign_in(&store, "samir", "PHONE").await;
    let mut other_device = claire.device_keys();
    other_device["device_id"] = json!("LAPTOP");
    let mut other_name = claire.device_keys();
    other_name["keys"] = json!({ "ed25519:LAPTOP": claire.device_key.public_key });

    for json in [samir.device_keys(), other_device, other_name] {
        let error = upload(&keys, &claire, &json).await.unwrap_err();
        assert!(matches!(error, AccountsError::InvalidParam(_)), "{error}: {json}");
    }
    let answer = query(&keys, &claire.user, &[&claire]).await;
    assert_eq!(answer["device_keys"]["@claire:example.org"], json!({}));
}

#[tokio::test]
async fn keys_of_the_wrong_shape_are_refused() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    let mut number_as_key = claire.device_keys();
    number_as_key["keys"]["ed25519:PHONE"] = json!(7);
    let mut signatures = claire.device_keys();
    signatures["signatures"] = json!("none");

    for json in [json!("text"), json!({}), number_as_key, signatures] {
        let error = upload(&keys, &claire, &json).await.unwrap_err();
        assert!(matches!(error, AccountsError::BadJson(_)), "{error}: {json}");
    }
    let mut large = claire.device_keys();
    large["padding"] = json!("x".repeat(20_000));
    let error = upload(&keys, &claire, &large).await.unwrap_err();
    assert!(matches!(error, AccountsError::TooLarge(_)), "{error}");
}

#[tokio::test]
async fn a_change_of_keys_is_told_once_and_the_same_keys_again_are_no_change() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    let samir = Person::sign_in(&store, "samir", "PHONE").await;
    claire.upload_device_keys(&keys).await;
    samir.upload_device_keys(&keys).await;
    let after_both = store.position().await.unwrap();
    claire.upload_device_keys(&keys).await;

    let snapshot = store.snapshot().await.unwrap();
    let all = DeviceLists::changed_since(&snapshot, Position::ZERO).await.unwrap();
    assert_eq!(all, [claire.user.clone(), samir.user.clone()]);
    let since = DeviceLists::changed_since(&snapshot, after_both).await.unwrap();
    assert!(since.is_empty(), "{since:?}");
    drop(snapshot);

    let laptop = Person::sign_in(&store, "claire", "LAPTOP").await;
    laptop.upload_device_keys(&keys).await;
    let snapshot = store.snapshot().await.unwrap();
    let since = DeviceLists::changed_since(&snapshot, after_both).await.unwrap();
    assert_eq!(since, std::slice::from_ref(&claire.user));
    // The older entry is gone: the stream is as long as there are users.
    let all = DeviceLists::changed_since(&snapshot, Position::ZERO).await.unwrap();
    assert_eq!(all, [samir.user, claire.user]);
}

#[tokio::test]
async fn other_identity_keys_take_the_old_one_time_keys_with_them() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_device_keys(&keys).await;
    claire.upload_one_time_keys(&keys, 0..5).await;
    claire.upload_fallback_key(&keys, 100).await;

    // The same device id with a new store of keys.
    let reinstalled = Person::sign_in(&store, "claire", "PHONE").await;
    reinstalled.upload_device_keys(&keys).await;

    assert!(keys.claim(&claire.wanted()).await.unwrap().is_empty());
    reinstalled.upload_one_time_keys(&keys, [0]).await;
    let claimed = keys.claim(&claire.wanted()).await.unwrap();
    let key: Value = serde_json::from_str(claimed[0].key.json().get()).unwrap();
    assert_eq!(key, reinstalled.one_time_key(0));
}

#[tokio::test]
async fn nothing_of_a_removed_device_is_left() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_device_keys(&keys).await;
    claire.upload_one_time_keys(&keys, 0..5).await;
    claire.upload_fallback_key(&keys, 100).await;
    keys.claim(&claire.wanted()).await.unwrap();
    let before = store.position().await.unwrap();

    let snapshot = store.snapshot().await.unwrap();
    let mut batch = Batch::new();
    forget_device(&snapshot, &mut batch, &claire.user, &claire.device).await.unwrap();
    // A second device in the same batch tells the change once.
    forget_device(&snapshot, &mut batch, &claire.user, device_id!("LAPTOP")).await.unwrap();
    drop(snapshot);
    store.commit(batch).await.unwrap();

    let answer = query(&keys, &claire.user, &[&claire]).await;
    assert_eq!(answer["device_keys"]["@claire:example.org"], json!({}));
    assert!(keys.claim(&claire.wanted()).await.unwrap().is_empty());
    let snapshot = store.snapshot().await.unwrap();
    let counts = OneTimeKeys::counts(&snapshot, &claire.user, &claire.device).await.unwrap();
    assert!(counts.unused_fallback_types.is_empty());
    assert!(counts.one_time_keys.values().all(|count| *count == 0), "{counts:?}");
    let changed = DeviceLists::changed_since(&snapshot, before).await.unwrap();
    assert_eq!(changed, [claire.user]);
}
