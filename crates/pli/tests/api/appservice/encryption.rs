//! What a bridge needs to encrypt.

use axum::http::Method;
use serde_json::{Value, json};

use super::bridge::{Bridge, Bridging};
use crate::support::{Person, TestServer};

const BOT: &str = "@telegrambot:pli.test";

async fn encrypting(bridge: &Bridge) -> TestServer {
    let fields = json!({ "receive_ephemeral": true, "org.matrix.msc3202": true });
    let server = bridge.server_with(fields, "").await;
    let device = "/_matrix/client/v3/devices/BRIDGE";
    assert_eq!(server.bridge(Method::PUT, device, Some(json!({}))).await.status, 201);
    let keys: Value = (0..3)
        .map(|n| {
            let key = json!({ "key": format!("key {n}"), "signatures": {} });
            (format!("signed_curve25519:{n}"), key)
        })
        .collect();
    let path = "/_matrix/client/v3/keys/upload?device_id=BRIDGE";
    server.bridge(Method::POST, path, Some(json!({ "one_time_keys": keys }))).await.ok();
    server
}

async fn send_to_bot(server: &TestServer, person: &Person, number: u32) {
    let path = format!("/_matrix/client/v3/sendToDevice/m.test/{number}");
    let body = json!({ "messages": { BOT: { "BRIDGE": { "number": number } } } });
    server.put(person, &path, body).await.ok();
}

/// A room key that does not come makes the room unreadable for the other network.
#[tokio::test]
async fn messages_to_devices_come_once_in_order_and_also_after_a_restart() {
    let bridge = Bridge::listen().await;
    let mut server = encrypting(&bridge).await;
    let claire = server.sign_up("claire").await;
    send_to_bot(&server, &claire, 1).await;
    let event = bridge.until_in("to_device", |event| event["content"]["number"] == 1).await;
    assert_eq!(
        event,
        json!({
            "type": "m.test",
            "sender": claire.user_id,
            "content": { "number": 1 },
            "to_user_id": BOT,
            "to_device_id": "BRIDGE",
        })
    );
    let attempt = bridge.attempts().pop().unwrap();
    assert_eq!(attempt.body["to_device"], attempt.body["de.sorunome.msc2409.to_device"]);

    bridge.answer_transactions(500);
    send_to_bot(&server, &claire, 2).await;
    bridge.until_in("to_device", |event| event["content"]["number"] == 2).await;
    send_to_bot(&server, &claire, 3).await;
    server.restart().await;
    bridge.answer_transactions(200);
    bridge.until_in("to_device", |event| event["content"]["number"] == 3).await;
    let mut ids = Vec::new();
    let mut numbers = Vec::new();
    for attempt in bridge.attempts() {
        if ids.last() != Some(&attempt.id) {
            let events = attempt.body["to_device"].as_array().cloned().unwrap_or_default();
            numbers.extend(events.iter().filter_map(|event| event["content"]["number"].as_u64()));
            ids.push(attempt.id);
        }
    }
    assert_eq!(numbers, [1, 2, 3]);
}

/// Without fresh keys nobody can begin an encrypted conversation with the bridge.
#[tokio::test]
async fn a_bridge_learns_when_its_one_time_keys_are_taken() {
    let bridge = Bridge::listen().await;
    let server = encrypting(&bridge).await;
    let claire = server.sign_up("claire").await;
    let claim = json!({ "one_time_keys": { BOT: { "BRIDGE": "signed_curve25519" } } });
    server.post(&claire, "/_matrix/client/v3/keys/claim", claim).await.ok();
    // Who takes a key uses it for a message.
    send_to_bot(&server, &claire, 1).await;
    let has_two =
        |body: &Value| body["device_one_time_keys_count"][BOT]["BRIDGE"]["signed_curve25519"] == 2;
    let attempts =
        bridge.until(|attempts| attempts.iter().any(|attempt| has_two(&attempt.body))).await;
    let body = &attempts.iter().find(|attempt| has_two(&attempt.body)).unwrap().body;
    assert_eq!(
        body["device_one_time_keys_count"],
        body["org.matrix.msc3202.device_one_time_keys_count"]
    );
    assert_eq!(body["device_unused_fallback_key_types"][BOT]["BRIDGE"], json!([]));
}

#[tokio::test]
async fn a_bridge_learns_whose_devices_changed_in_its_encrypted_rooms() {
    let bridge = Bridge::listen().await;
    let server = encrypting(&bridge).await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let encryption = json!({
        "type": "m.room.encryption",
        "content": { "algorithm": "m.megolm.v1.aes-sha2" },
    });
    let body = json!({
        "preset": "public_chat",
        "invite": [BOT],
        "initial_state": [encryption],
    });
    let room = server.create_room(&claire, body).await;
    let path = format!("/_matrix/client/v3/rooms/{room}");
    let lists = |list: &'static str, user: &Person| {
        let user_id = user.user_id.clone();
        move |body: &Value| {
            let users = body["device_lists"][list].as_array().cloned().unwrap_or_default();
            users.contains(&json!(user_id))
        }
    };
    let told = async |since: usize, is_told: &dyn Fn(&Value) -> bool| {
        let told = |attempts: &[super::bridge::Received]| {
            attempts.iter().skip(since).any(|attempt| is_told(&attempt.body))
        };
        bridge.until(told).await.len()
    };

    // It comes into the room: all who are there are new to it.
    server.bridge(Method::POST, &format!("{path}/join"), Some(json!({}))).await.ok();
    let seen = told(0, &lists("changed", &claire)).await;
    // Somebody else comes.
    server.post(&samir, &format!("{path}/join"), json!({})).await.ok();
    let seen = told(seen, &lists("changed", &samir)).await;
    // Somebody in the room has another device name.
    let device = format!("/_matrix/client/v3/devices/{}", claire.device_id);
    server.put(&claire, &device, json!({ "display_name": "Bureau" })).await.ok();
    let seen = told(seen, &lists("changed", &claire)).await;
    // Somebody goes.
    server.post(&samir, &format!("{path}/leave"), json!({})).await.ok();
    told(seen, &lists("left", &samir)).await;
}
