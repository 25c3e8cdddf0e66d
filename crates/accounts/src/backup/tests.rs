use std::collections::BTreeMap;

use pli_store::{Batch, Store};
use ruma::{OwnedRoomId, RoomId, UserId, room_id, user_id};
use serde_json::{Value, json, value::RawValue};

use super::{BackedUpKey, KeyBackup, KeyUploads, PAGE, forget_user};
use crate::{AccountsError, keys::RawJson};

const ALGORITHM: &str = "m.megolm_backup.v1.curve25519-aes-sha2";

fn claire() -> &'static UserId {
    user_id!("@claire:example.org")
}

fn room() -> &'static RoomId {
    room_id!("!conversation:example.org")
}

fn auth_data(public_key: &str) -> RawJson {
    RawJson::parse(json!({ "public_key": public_key }).to_string()).unwrap()
}

fn key(first_message_index: u64, forwarded_count: u64, is_verified: bool) -> Value {
    json!({
        "first_message_index": first_message_index,
        "forwarded_count": forwarded_count,
        "is_verified": is_verified,
        "session_data": {
            "ephemeral": "base64",
            "ciphertext": format!("{first_message_index} {forwarded_count} {is_verified}"),
            "mac": "base64",
        },
    })
}

fn uploads(keys: &[(&RoomId, &str, Value)]) -> KeyUploads {
    let mut uploads: BTreeMap<OwnedRoomId, BTreeMap<_, _>> = BTreeMap::new();
    for (room, session, json) in keys {
        let json = RawValue::from_string(json.to_string()).unwrap();
        uploads.entry((*room).to_owned()).or_default().insert((*session).to_owned(), json);
    }
    uploads
}

async fn backup() -> (KeyBackup, String) {
    let backup = KeyBackup::new(Store::memory());
    let version = backup.create(claire(), ALGORITHM, &auth_data("first")).await.unwrap();
    (backup, version)
}

async fn stored(backup: &KeyBackup, version: &str, session: &str) -> Value {
    let key = backup.key(claire(), version, room(), session).await.unwrap();
    serde_json::from_str(key.get()).unwrap()
}

async fn all(backup: &KeyBackup, version: &str, room: Option<&RoomId>) -> Vec<BackedUpKey> {
    let mut keys: Vec<BackedUpKey> = Vec::new();
    loop {
        let page = backup.page(claire(), version, room, keys.last()).await.unwrap();
        let complete = page.len() < PAGE;
        keys.extend(page);
        if complete {
            return keys;
        }
    }
}

#[tokio::test]
async fn the_newest_version_is_the_current_one() {
    let backup = KeyBackup::new(Store::memory());
    let error = backup.latest(claire()).await.unwrap_err();
    assert!(matches!(error, AccountsError::NotFound(_)), "{error}");

    let first = backup.create(claire(), ALGORITHM, &auth_data("first")).await.unwrap();
    let second = backup.create(claire(), ALGORITHM, &auth_data("second")).await.unwrap();
    assert_ne!(first, second);
    let latest = backup.latest(claire()).await.unwrap();
    assert_eq!(latest.version, second);
    assert_eq!(latest.algorithm, ALGORITHM);
    assert_eq!(latest.auth_data.get(), r#"{"public_key":"second"}"#);
    assert_eq!(latest.status.count, 0);

    backup.delete(claire(), &second).await.unwrap();
    assert_eq!(backup.latest(claire()).await.unwrap().version, first);
    // A number is never given twice: devices would take another backup for the one they know.
    let third = backup.create(claire(), ALGORITHM, &auth_data("third")).await.unwrap();
    assert!(third != first && third != second);
}

#[tokio::test]
async fn only_the_auth_data_of_a_version_can_change() {
    let (backup, version) = backup().await;
    let new = auth_data("new");
    let update = async |version: &str, algorithm: &str, in_body: Option<&str>| {
        backup.update(claire(), version, algorithm, &new, in_body).await
    };

    let other_algorithm = update(&version, "org.example.other", None).await.unwrap_err();
    assert!(matches!(other_algorithm, AccountsError::InvalidParam(_)));
    let other_version = update(&version, ALGORITHM, Some("7")).await.unwrap_err();
    assert!(matches!(other_version, AccountsError::InvalidParam(_)));
    for unknown in ["7", "latest", "01", "-1", ""] {
        let error = update(unknown, ALGORITHM, None).await.unwrap_err();
        assert!(matches!(error, AccountsError::NotFound(_)), "{unknown}: {error}");
    }

    update(&version, ALGORITHM, Some(&version)).await.unwrap();
    let info = backup.info(claire(), &version).await.unwrap();
    assert_eq!(info.auth_data.get(), r#"{"public_key":"new"}"#);
}

#[tokio::test]
async fn what_was_stored_comes_back_and_is_counted() {
    let (backup, version) = backup().await;
    let other_room = room_id!("!other:example.org");
    let keys = [
        (room(), "a", key(0, 0, true)),
        (room(), "b", key(1, 0, true)),
        (other_room, "a", key(2, 0, false)),
    ];

    let status = backup.put_keys(claire(), &version, &uploads(&keys)).await.unwrap();

    assert_eq!(status.count, 3);
    assert_eq!(backup.latest(claire()).await.unwrap().status, status);
    assert_eq!(stored(&backup, &version, "b").await, key(1, 0, true));
    assert_eq!(all(&backup, &version, None).await.len(), 3);
    assert_eq!(all(&backup, &version, Some(other_room)).await.len(), 1);
    assert!(all(&backup, &version, Some(room_id!("!empty:example.org"))).await.is_empty());
    let error = backup.key(claire(), &version, other_room, "b").await.unwrap_err();
    assert!(matches!(error, AccountsError::NotFound(_)), "{error}");
    // Nobody else has it.
    let samir = user_id!("@samir:example.org");
    let error = backup.page(samir, &version, None, None).await.unwrap_err();
    assert!(matches!(error, AccountsError::NotFound(_)), "{error}");
}

/// A worse key in the place of a better one makes messages unreadable for ever.
#[tokio::test]
async fn a_better_key_replaces_a_worse_one_and_never_the_other_way_round() {
    // From the worst to the best.
    let ranking = [
        key(9, 1, false),
        key(9, 0, false),
        key(2, 5, false),
        key(2, 4, false),
        key(50, 9, true),
        key(8, 1, true),
        key(8, 0, true),
        key(0, 3, true),
    ];
    for (rank, stored_key) in ranking.iter().enumerate() {
        for (new_rank, new_key) in ranking.iter().enumerate() {
            let (backup, version) = backup().await;
            let put = async |key: &Value| {
                let keys = [(room(), "session", key.clone())];
                backup.put_keys(claire(), &version, &uploads(&keys)).await.unwrap()
            };
            let before = put(stored_key).await;
            let after = put(new_key).await;
            let better = if new_rank > rank { new_key } else { stored_key };
            assert_eq!(&stored(&backup, &version, "session").await, better);
            assert_eq!(after.count, 1);
            // The etag tells other devices whether there is anything new.
            assert_eq!(after.etag != before.etag, new_rank > rank, "{stored_key} {new_key}");
        }
    }
}

#[tokio::test]
async fn keys_go_to_the_current_version_only() {
    let (backup, first) = backup().await;
    let second = backup.create(claire(), ALGORITHM, &auth_data("second")).await.unwrap();
    let keys = uploads(&[(room(), "a", key(0, 0, true))]);

    for version in [first.as_str(), "99", "nonsense"] {
        let error = backup.put_keys(claire(), version, &keys).await.unwrap_err();
        let AccountsError::WrongRoomKeysVersion { current } = error else { panic!("{error}") };
        assert_eq!(current, second);
    }
    let error = backup.put_keys(user_id!("@samir:example.org"), "1", &keys).await.unwrap_err();
    assert!(matches!(error, AccountsError::NotFound(_)), "{error}");
}

#[tokio::test]
async fn malformed_keys_are_refused_and_nothing_of_the_upload_is_stored() {
    let (backup, version) = backup().await;
    let mut without_data = key(0, 0, true);
    without_data.as_object_mut().unwrap().remove("session_data");
    let mut text = key(0, 0, true);
    text["session_data"] = json!("text");
    let mut negative = key(0, 0, true);
    negative["first_message_index"] = json!(-1);
    for bad in [without_data, text, negative, json!([])] {
        let keys = uploads(&[(room(), "a", key(0, 0, true)), (room(), "b", bad)]);
        let error = backup.put_keys(claire(), &version, &keys).await.unwrap_err();
        assert!(matches!(error, AccountsError::BadJson(_)), "{error}");
    }
    let mut large = key(0, 0, true);
    large["session_data"]["ciphertext"] = json!("x".repeat(70_000));
    let keys = uploads(&[(room(), "a", large)]);
    let error = backup.put_keys(claire(), &version, &keys).await.unwrap_err();
    assert!(matches!(error, AccountsError::TooLarge(_)), "{error}");
    assert_eq!(backup.latest(claire()).await.unwrap().status.count, 0);
}

#[tokio::test]
async fn keys_can_be_deleted_one_by_one_by_room_and_all() {
    let (backup, version) = backup().await;
    let other = room_id!("!other:example.org");
    let keys = [
        (room(), "a", key(0, 0, true)),
        (room(), "b", key(0, 0, true)),
        (room(), "bb", key(0, 0, true)),
        (other, "a", key(0, 0, true)),
        (other, "b", key(0, 0, true)),
    ];
    let before = backup.put_keys(claire(), &version, &uploads(&keys)).await.unwrap();
    let delete =
        async |room, session| backup.delete_keys(claire(), &version, room, session).await.unwrap();

    let one = delete(Some(room()), Some("b")).await;
    assert_eq!(one.count, 4);
    assert_ne!(one.etag, before.etag);
    assert_eq!(delete(Some(room()), Some("b")).await, one);
    assert_eq!(delete(Some(other), None).await.count, 2);
    assert_eq!(stored(&backup, &version, "bb").await, key(0, 0, true));
    assert_eq!(delete(None, None).await.count, 0);
    assert!(all(&backup, &version, None).await.is_empty());
    let error = backup.delete_keys(claire(), "7", None, None).await.unwrap_err();
    assert!(matches!(error, AccountsError::NotFound(_)), "{error}");
}

#[tokio::test]
async fn a_large_backup_is_stored_read_and_deleted_in_parts() {
    const KEYS: usize = 2_500;
    let (backup, version) = backup().await;
    let sessions: Vec<String> = (0..KEYS).map(|number| format!("session {number}")).collect();
    let keys: Vec<_> =
        sessions.iter().map(|session| (room(), session.as_str(), key(0, 0, true))).collect();

    let status = backup.put_keys(claire(), &version, &uploads(&keys)).await.unwrap();
    assert_eq!(status.count, KEYS as u64);
    let mut read: Vec<_> =
        all(&backup, &version, None).await.into_iter().map(|key| key.session_id).collect();
    read.sort_unstable();
    let mut expected = sessions.clone();
    expected.sort_unstable();
    assert_eq!(read, expected);

    let status = backup.delete_keys(claire(), &version, None, None).await.unwrap();
    assert_eq!(status.count, 0);
    assert!(all(&backup, &version, None).await.is_empty());
}

#[tokio::test]
async fn a_deleted_version_is_gone_with_its_keys_and_can_be_deleted_again() {
    let (backup, version) = backup().await;
    let keys = uploads(&[(room(), "a", key(0, 0, true))]);
    backup.put_keys(claire(), &version, &keys).await.unwrap();

    backup.delete(claire(), &version).await.unwrap();
    backup.delete(claire(), &version).await.unwrap();

    for error in [
        backup.info(claire(), &version).await.unwrap_err(),
        backup.latest(claire()).await.unwrap_err(),
        backup.page(claire(), &version, None, None).await.unwrap_err(),
        backup.key(claire(), &version, room(), "a").await.unwrap_err(),
        backup.delete_keys(claire(), &version, None, None).await.unwrap_err(),
        backup.put_keys(claire(), &version, &keys).await.unwrap_err(),
        backup.delete(claire(), "7").await.unwrap_err(),
    ] {
        assert!(matches!(error, AccountsError::NotFound(_)), "{error}");
    }
}

/// The process may end in the middle of deleting a hundred thousand keys.
#[tokio::test]
async fn an_interrupted_deletion_is_finished_later() {
    let (backup, version) = backup().await;
    let sessions: Vec<String> = (0..1_100).map(|number| number.to_string()).collect();
    let keys: Vec<_> =
        sessions.iter().map(|session| (room(), session.as_str(), key(0, 0, true))).collect();
    backup.put_keys(claire(), &version, &uploads(&keys)).await.unwrap();

    let snapshot = backup.store.snapshot().await.unwrap();
    let mut batch = Batch::new();
    forget_user(&snapshot, &mut batch, claire()).await.unwrap();
    drop(snapshot);
    backup.store.commit(batch).await.unwrap();
    let error = backup.latest(claire()).await.unwrap_err();
    assert!(matches!(error, AccountsError::NotFound(_)), "{error}");

    backup.resume_purges().await.unwrap();

    let snapshot = backup.store.snapshot().await.unwrap();
    let left = snapshot
        .scan(&super::BACKUP_KEYS, super::BACKUP_KEYS.all(), 10, pli_store::Direction::Forward)
        .await
        .unwrap();
    assert!(left.is_empty());
}
