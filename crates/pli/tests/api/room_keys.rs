//! Key backups, over HTTP.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const VERSION: &str = "/_matrix/client/v3/room_keys/version";
const KEYS: &str = "/_matrix/client/v3/room_keys/keys";

fn version_body(public_key: &str) -> Value {
    json!({
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": { "public_key": public_key, "signatures": {} },
    })
}

fn key(first_message_index: u32) -> Value {
    json!({
        "first_message_index": first_message_index,
        "forwarded_count": 0,
        "is_verified": true,
        "session_data": { "ephemeral": "e", "ciphertext": "c", "mac": "m" },
    })
}

async fn create(server: &TestServer, person: &Person) -> String {
    let answer = server.post(person, VERSION, version_body("key")).await.ok();
    answer["version"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_backup_comes_back_as_it_was_stored_after_a_restart() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let version = create(&server, &claire).await;
    let sessions = |count: u32| -> Value {
        (0..count).map(|number| (format!("session{number:04}"), key(number))).collect()
    };
    let rooms = json!({
        "rooms": {
            "!a:pli.test": { "sessions": sessions(620) },
            "!b:pli.test": { "sessions": sessions(3) },
        },
    });
    let path = format!("{KEYS}?version={version}");
    let stored = server.put(&claire, &path, rooms.clone()).await.ok();
    assert_eq!(stored["count"], 623);

    server.restart().await;

    assert_eq!(server.get(&claire, &path).await.ok(), rooms);
    let room = server.get(&claire, &format!("{KEYS}/!b:pli.test?version={version}")).await.ok();
    assert_eq!(room, rooms["rooms"]["!b:pli.test"]);
    let session = format!("{KEYS}/!b:pli.test/session0002?version={version}");
    assert_eq!(server.get(&claire, &session).await.ok(), key(2));
    let latest = server.get(&claire, VERSION).await.ok();
    assert_eq!(latest["count"], 623);
    assert_eq!(latest["etag"], stored["etag"]);
    assert_eq!(latest["auth_data"], version_body("key")["auth_data"]);
}

#[tokio::test]
async fn an_empty_backup_has_empty_answers() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let version = create(&server, &claire).await;
    let all = server.get(&claire, &format!("{KEYS}?version={version}")).await.ok();
    assert_eq!(all, json!({ "rooms": {} }));
    let room = server.get(&claire, &format!("{KEYS}/!a:pli.test?version={version}")).await.ok();
    assert_eq!(room, json!({ "sessions": {} }));
}

#[tokio::test]
async fn keys_for_an_old_version_are_refused_with_the_current_one() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let old = create(&server, &claire).await;
    let current = create(&server, &claire).await;

    let path = format!("{KEYS}/!a:pli.test/session?version={old}");
    let answer = server.put(&claire, &path, key(0)).await;

    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.body["errcode"], "M_WRONG_ROOM_KEYS_VERSION");
    assert_eq!(answer.body["current_version"], current);
}

#[tokio::test]
async fn versions_and_keys_can_be_changed_and_deleted() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let version = create(&server, &claire).await;
    let version_path = format!("{VERSION}/{version}");
    server.put(&claire, &version_path, version_body("other")).await.ok();
    let info = server.get(&claire, &version_path).await.ok();
    assert_eq!(info["auth_data"]["public_key"], "other");

    let session = format!("{KEYS}/!a:pli.test/session?version={version}");
    let room = format!("{KEYS}/!a:pli.test?version={version}");
    assert_eq!(server.put(&claire, &session, key(0)).await.ok()["count"], 1);
    let sessions = json!({ "sessions": { "s2": key(0), "s3": key(0) } });
    assert_eq!(server.put(&claire, &room, sessions).await.ok()["count"], 3);
    assert_eq!(server.delete(&claire, &session).await.ok()["count"], 2);
    assert_eq!(server.get(&claire, &session).await.status, StatusCode::NOT_FOUND);
    assert_eq!(server.delete(&claire, &room).await.ok()["count"], 0);
    let all = format!("{KEYS}?version={version}");
    assert_eq!(server.delete(&claire, &all).await.ok()["count"], 0);

    server.delete(&claire, &version_path).await.ok();
    server.delete(&claire, &version_path).await.ok();
    for path in [VERSION, &version_path, &all] {
        let answer = server.get(&claire, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.body["errcode"], "M_NOT_FOUND", "{path}");
    }
}

#[tokio::test]
async fn malformed_backups_are_refused() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    for body in [json!({}), json!({ "algorithm": 1, "auth_data": {} }), json!([])] {
        let answer = server.post(&claire, VERSION, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        assert_eq!(answer.body["errcode"], "M_BAD_JSON", "{answer:?}");
    }
    let version = create(&server, &claire).await;
    let path = format!("{KEYS}/!a:pli.test/session?version={version}");
    let answer = server.put(&claire, &path, json!({ "session_data": {} })).await;
    assert_eq!(answer.body["errcode"], "M_BAD_JSON", "{answer:?}");
    let answer = server.put(&claire, KEYS, json!({ "rooms": {} })).await;
    assert_eq!(answer.body["errcode"], "M_MISSING_PARAM", "{answer:?}");
}
