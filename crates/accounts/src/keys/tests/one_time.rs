use std::collections::{BTreeMap, BTreeSet};

use pli_store::Store;
use serde_json::{Value, json};

use super::people::{Person, key_id, raw};
use crate::{
    AccountsError,
    keys::{DeviceKeys, KeyCounts, KeyUpload, OneTimeKeys},
};

async fn counts(store: &Store, person: &Person) -> KeyCounts {
    let snapshot = store.snapshot().await.unwrap();
    OneTimeKeys::counts(&snapshot, &person.user, &person.device).await.unwrap()
}

async fn count(store: &Store, person: &Person) -> u64 {
    counts(store, person).await.one_time_keys[&"signed_curve25519".into()]
}

async fn upload(
    keys: &DeviceKeys,
    person: &Person,
    number: usize,
    json: &Value,
) -> Result<KeyCounts, AccountsError> {
    let one_time_keys = BTreeMap::from([(key_id(number), raw(json))]);
    let upload = KeyUpload { one_time_keys, ..KeyUpload::default() };
    keys.upload(&person.user, &person.device, &upload).await
}

#[tokio::test]
async fn the_answer_to_an_upload_counts_what_is_there() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    assert_eq!(count(&store, &claire).await, 0);

    claire.upload_one_time_keys(&keys, 0..50).await;
    assert_eq!(count(&store, &claire).await, 50);
    let answer = upload(&keys, &claire, 50, &claire.one_time_key(50)).await.unwrap();
    assert_eq!(answer.one_time_keys[&"signed_curve25519".into()], 51);
    keys.claim(&claire.wanted()).await.unwrap();
    assert_eq!(count(&store, &claire).await, 50);
}

#[tokio::test]
async fn an_upload_whose_answer_was_lost_can_be_repeated() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_one_time_keys(&keys, 0..20).await;
    claire.upload_one_time_keys(&keys, 0..20).await;
    // Signatures may differ from one upload to the next.
    let mut other_signature = claire.one_time_key(3);
    other_signature["signatures"] = json!({ "@claire:example.org": { "ed25519:PHONE": "x" } });
    upload(&keys, &claire, 3, &other_signature).await.unwrap();

    assert_eq!(count(&store, &claire).await, 20);
}

#[tokio::test]
async fn a_key_id_can_t_be_taken_by_another_key() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_one_time_keys(&keys, 0..3).await;

    let error = upload(&keys, &claire, 1, &claire.one_time_key(99)).await.unwrap_err();

    assert!(matches!(error, AccountsError::InvalidParam(_)), "{error}");
    assert_eq!(count(&store, &claire).await, 3);
}

#[tokio::test]
async fn a_key_that_was_given_away_is_not_given_again_when_its_upload_is_repeated() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_one_time_keys(&keys, 0..2).await;
    let first = keys.claim(&claire.wanted()).await.unwrap();

    claire.upload_one_time_keys(&keys, 0..2).await;

    assert_eq!(count(&store, &claire).await, 1);
    let second = keys.claim(&claire.wanted()).await.unwrap();
    assert_ne!(first[0].key_id, second[0].key_id);
    assert!(keys.claim(&claire.wanted()).await.unwrap().is_empty());
}

#[tokio::test]
async fn keys_given_away_long_ago_and_just_now_are_not_taken_back() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_one_time_keys(&keys, 0..20).await;
    let mut given = Vec::new();
    for _ in 0..10 {
        given.extend(keys.claim(&claire.wanted()).await.unwrap());
    }

    claire.upload_one_time_keys(&keys, 0..20).await;

    assert_eq!(count(&store, &claire).await, 10);
    while let Some(key) = keys.claim(&claire.wanted()).await.unwrap().pop() {
        given.push(key);
    }
    let different: BTreeSet<_> = given.iter().map(|key| &key.key_id).collect();
    assert_eq!((given.len(), different.len()), (20, 20));
}

/// What is in memory of a device's keys is outdated as soon as another process gives some away.
#[tokio::test]
async fn claims_of_two_processes_that_take_turns_give_different_keys() {
    let store = Store::memory();
    let processes = [DeviceKeys::new(store.clone()), DeviceKeys::new(store.clone())];
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_one_time_keys(&processes[0], 0..30).await;

    let mut given = BTreeSet::new();
    for turn in 0..30 {
        // Now and then several in a row, so that each process remembers something.
        let keys = &processes[usize::from(turn % 5 < 2)];
        given.extend(keys.claim(&claire.wanted()).await.unwrap().pop().map(|key| key.key_id));
    }

    assert_eq!(given.len(), 30);
    assert_eq!(count(&store, &claire).await, 0);
}

#[tokio::test]
async fn a_repeated_fallback_key_stays_used_and_a_new_one_is_unused() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_fallback_key(&keys, 1).await;
    assert_eq!(counts(&store, &claire).await.unused_fallback_types.len(), 1);

    keys.claim(&claire.wanted()).await.unwrap();
    assert!(counts(&store, &claire).await.unused_fallback_types.is_empty());
    claire.upload_fallback_key(&keys, 1).await;
    assert!(counts(&store, &claire).await.unused_fallback_types.is_empty());
    claire.upload_fallback_key(&keys, 2).await;
    assert_eq!(counts(&store, &claire).await.unused_fallback_types.len(), 1);
    let claimed = keys.claim(&claire.wanted()).await.unwrap();
    assert_eq!(claimed[0].key_id, key_id(2).as_str());
}

#[tokio::test]
async fn two_fallback_keys_of_one_algorithm_are_refused() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    let upload = KeyUpload { fallback_keys: claire.one_time_keys(0..2), ..KeyUpload::default() };

    let error = keys.upload(&claire.user, &claire.device, &upload).await.unwrap_err();

    assert!(matches!(error, AccountsError::InvalidParam(_)), "{error}");
}

#[tokio::test]
async fn malformed_and_endless_one_time_keys_are_refused() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;

    for json in [json!(1), json!({}), json!({ "key": 1 }), json!([])] {
        let error = upload(&keys, &claire, 0, &json).await.unwrap_err();
        assert!(matches!(error, AccountsError::BadJson(_)), "{error}: {json}");
    }
    let large = json!({ "key": "x".repeat(5_000) });
    let error = upload(&keys, &claire, 0, &large).await.unwrap_err();
    assert!(matches!(error, AccountsError::TooLarge(_)), "{error}");
    let too_many =
        KeyUpload { one_time_keys: claire.one_time_keys(0..1_001), ..KeyUpload::default() };
    let error = keys.upload(&claire.user, &claire.device, &too_many).await.unwrap_err();
    assert!(matches!(error, AccountsError::TooLarge(_)), "{error}");
    assert_eq!(count(&store, &claire).await, 0);
}
