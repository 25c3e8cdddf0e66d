use std::collections::BTreeSet;

use pli_store::{Store, Touch};
use tokio::task::JoinSet;

use super::people::{Person, key_id};
use crate::keys::DeviceKeys;

#[tokio::test]
async fn keys_uploaded_earlier_are_given_earlier() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    // Later uploads with lower ids: the ids' order must not matter.
    for numbers in [40..55, 20..32, 0..3] {
        claire.upload_one_time_keys(&keys, numbers).await;
    }

    let mut given = Vec::new();
    while let Some(key) = keys.claim(&claire.wanted()).await.unwrap().pop() {
        given.push(key.key_id);
    }

    let ids = |numbers: std::ops::Range<usize>| {
        numbers.map(|number| key_id(number).to_string()).collect::<BTreeSet<_>>()
    };
    assert_eq!(given.len(), 30);
    assert_eq!(given[..15].iter().cloned().collect::<BTreeSet<_>>(), ids(40..55));
    assert_eq!(given[15..27].iter().cloned().collect::<BTreeSet<_>>(), ids(20..32));
    assert_eq!(given[27..].iter().cloned().collect::<BTreeSet<_>>(), ids(0..3));
}

#[tokio::test]
async fn the_fallback_key_is_given_when_the_others_are_exhausted_and_its_device_is_woken() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    claire.upload_one_time_keys(&keys, [1]).await;
    claire.upload_fallback_key(&keys, 100).await;
    let first = keys.claim(&claire.wanted()).await.unwrap();
    assert_eq!(first[0].key_id, key_id(1).as_str());

    let mut commits = store.subscribe();
    let second = keys.claim(&claire.wanted()).await.unwrap();
    assert_eq!(second[0].key_id, key_id(100).as_str());
    let commit = commits.recv().await.unwrap();
    assert_eq!(commit.touched, [Touch::User(claire.user.clone())]);

    // From then on giving it changes nothing.
    let position = store.position().await.unwrap();
    let third = keys.claim(&claire.wanted()).await.unwrap();
    assert_eq!(third[0].key_id, key_id(100).as_str());
    assert_eq!(store.position().await.unwrap(), position);
}

#[tokio::test]
async fn devices_without_keys_are_left_out() {
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    let samir = Person::sign_in(&store, "samir", "LAPTOP").await;
    samir.upload_one_time_keys(&keys, [1]).await;
    let mut wanted = claire.wanted();
    wanted.extend(samir.wanted());

    let claimed = keys.claim(&wanted).await.unwrap();

    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].user_id, samir.user);
    assert_eq!(claimed[0].device_id, samir.device);
}

/// Two who get the same key would share a secret that each believes to be theirs alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_key_is_given_twice_to_many_who_ask_at_once() {
    const KEYS: usize = 100;
    const ASKING: usize = 130;
    let store = Store::memory();
    let keys = DeviceKeys::new(store.clone());
    // A second process on the same store: only the store's preconditions are between them.
    let other_process = DeviceKeys::new(store.clone());
    let claire = Person::sign_in(&store, "claire", "PHONE").await;
    let samir = Person::sign_in(&store, "samir", "PHONE").await;
    for person in [&claire, &samir] {
        person.upload_one_time_keys(&keys, 0..KEYS).await;
        person.upload_fallback_key(&keys, 1_000).await;
    }
    let mut wanted = claire.wanted();
    wanted.extend(samir.wanted());

    let mut asking = JoinSet::new();
    for number in 0..ASKING {
        let keys = if number % 8 == 0 { other_process.clone() } else { keys.clone() };
        let wanted = wanted.clone();
        asking.spawn(async move {
            loop {
                match keys.claim(&wanted).await {
                    Ok(claimed) => break claimed,
                    Err(error) => assert!(error.is_conflict(), "{error}"),
                }
            }
        });
    }
    let claimed: Vec<_> = asking.join_all().await.into_iter().flatten().collect();

    for person in [&claire, &samir] {
        let given: Vec<_> = claimed
            .iter()
            .filter(|key| key.user_id == person.user)
            .map(|key| key.key_id.clone())
            .collect();
        assert_eq!(given.len(), ASKING);
        let fallback = given.iter().filter(|id| *id == key_id(1_000).as_str()).count();
        assert_eq!(fallback, ASKING - KEYS);
        let different: BTreeSet<_> = given.into_iter().collect();
        assert_eq!(different.len(), KEYS + 1);
    }
}
