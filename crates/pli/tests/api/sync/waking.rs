//! What a waiting client is woken by.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, V3, has_news, texts};
use crate::support::{Person, TestServer};

fn ephemeral<'a>(answer: &'a Value, room_id: &str, event_type: &str) -> &'a Value {
    let events = answer["rooms"]["join"][room_id]["ephemeral"]["events"].as_array();
    let events = events.map(Vec::as_slice).unwrap_or_default();
    let found = events.iter().find(|event| event["type"] == event_type);
    found.map_or(&Value::Null, |event| &event["content"])
}

async fn type_in(server: &TestServer, person: &Person, room_id: &str, timeout: Option<u64>) {
    let path = format!("{V3}/rooms/{room_id}/typing/{}", person.user_id);
    let body = match timeout {
        Some(timeout) => json!({ "typing": true, "timeout": timeout }),
        None => json!({ "typing": false }),
    };
    server.put(person, &path, body).await.ok();
}

#[tokio::test]
async fn messages_invitations_and_removals_wake() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&samir]).await;
    let mut client = Client::start(&server, &claire).await;

    let invited = client.wait_for(server.act(&samir, &room_id, "invite", Some(&claire))).await;
    let state = &invited["rooms"]["invite"][&room_id]["invite_state"]["events"];
    assert!(state.as_array().unwrap().iter().any(|event| event["state_key"] == claire.user_id));
    let joined = client.wait_for(server.join(&claire, &room_id)).await;
    assert!(joined["rooms"]["join"][&room_id].is_object());
    let written = client.wait_for(server.write(&samir, &room_id, "bonjour")).await;
    let timeline = &written["rooms"]["join"][&room_id]["timeline"];
    assert_eq!(texts(&timeline["events"]), ["bonjour"]);
    let kicked = client.wait_for(server.act(&samir, &room_id, "kick", Some(&claire))).await;
    assert!(kicked["rooms"]["leave"][&room_id].is_object(), "{kicked}");
}

/// The device makes a new one at once; until then everybody gets the same.
#[tokio::test]
async fn a_fallback_key_that_is_used_up_wakes() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let keys = json!({ "signed_curve25519:1": { "key": "a", "fallback": true, "signatures": {} } });
    let upload = format!("{V3}/keys/upload");
    server.post(&claire, &upload, json!({ "fallback_keys": keys })).await.ok();
    let mut client = Client::start(&server, &claire).await;

    let wanted = json!({ &claire.user_id: { &claire.device_id: "signed_curve25519" } });
    let claim = async {
        // Lets the waiting request arrive first.
        server.get(&claire, &format!("{V3}/account/whoami")).await.ok();
        let claim = format!("{V3}/keys/claim");
        server.post(&samir, &claim, json!({ "one_time_keys": wanted })).await.ok();
    };
    // It would come back with the same answer by itself, but later.
    let waiting = tokio::time::timeout(Duration::from_secs(30), client.ask("timeout=80000"));
    let answer = tokio::join!(waiting, claim).0.expect("it was not woken");
    assert_eq!(answer["device_unused_fallback_key_types"], json!([]));
}

#[tokio::test]
async fn what_another_device_of_ones_own_does_wakes() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let phone = server.sign_in("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&samir]).await;
    let mut client = Client::start(&server, &claire).await;

    let joined = client.wait_for(server.join(&phone, &room_id)).await;
    assert!(joined["rooms"]["join"][&room_id].is_object(), "{joined}");

    let user = format!("{V3}/user/{}", claire.user_id);
    let path = format!("{user}/account_data/test.theme");
    let answer = client.wait_for(server.put(&phone, &path, json!({ "dark": true }))).await;
    let event = &answer["account_data"]["events"][0];
    assert_eq!((&event["type"], &event["content"]["dark"]), (&json!("test.theme"), &json!(true)));

    let path = format!("{user}/rooms/{room_id}/account_data/test.colour");
    let answer = client.wait_for(server.put(&phone, &path, json!({ "red": 1 }))).await;
    let room = &answer["rooms"]["join"][&room_id];
    assert_eq!(room["account_data"]["events"][0]["type"], "test.colour");
    assert!(answer["account_data"].is_null());

    let path = format!("{user}/rooms/{room_id}/tags/m.favourite");
    let answer = client.wait_for(server.put(&phone, &path, json!({ "order": 0.5 }))).await;
    let event = &answer["rooms"]["join"][&room_id]["account_data"]["events"][0];
    assert_eq!(event["type"], "m.tag");
    assert!(event["content"]["tags"]["m.favourite"].is_object());

    // Nothing of all that comes a second time, nor with something else in the room.
    let answer = client.wait_for(server.write(&samir, &room_id, "bonjour")).await;
    assert!(answer["rooms"]["join"][&room_id]["account_data"].is_null(), "{answer}");
    assert!(answer["account_data"].is_null(), "{answer}");
}

#[tokio::test]
async fn receipts_wake_those_whom_they_concern() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let phone = server.sign_in("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let first = server.write(&claire, &room_id, "un").await;
    let second = server.write(&claire, &room_id, "deux").await;
    let mut client = Client::start(&server, &claire).await;
    let mut own = Client::start(&server, &samir).await;

    let answer = client.wait_for(server.read(&phone, &room_id, &first, "m.read")).await;
    let receipt = &ephemeral(&answer, &room_id, "m.receipt")[&first]["m.read"][&samir.user_id];
    assert!(receipt["ts"].is_u64(), "{answer}");
    assert!(receipt["thread_id"].is_null());
    own.sync().await;

    let main = json!({ "thread_id": "main" });
    let answer = client.wait_for(server.read_in(&phone, &room_id, &second, "m.read", main)).await;
    let receipt = &ephemeral(&answer, &room_id, "m.receipt")[&second]["m.read"][&samir.user_id];
    assert_eq!(receipt["thread_id"], "main");
    own.sync().await;

    // A private one is for the reader's own devices only.
    let answer = own.wait_for(server.read(&phone, &room_id, &second, "m.read.private")).await;
    let content = ephemeral(&answer, &room_id, "m.receipt");
    assert!(content[&second]["m.read.private"][&samir.user_id].is_object(), "{answer}");
    let others = client.sync().await;
    assert!(!has_news(&others), "{others}");
    let (_, initial) = Client::start_with(&server, &claire, "").await;
    let content = ephemeral(&initial, &room_id, "m.receipt");
    assert!(content[&second]["m.read.private"].is_null());
    assert!(content[&second]["m.read"].is_object());
}

#[tokio::test]
async fn who_starts_stops_and_forgets_to_type_is_seen() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut client = Client::start(&server, &claire).await;

    let answer = client.wait_for(type_in(&server, &samir, &room_id, Some(60_000))).await;
    let typing = json!({ "user_ids": [samir.user_id] });
    assert_eq!(*ephemeral(&answer, &room_id, "m.typing"), typing);
    assert!(
        answer["rooms"]["join"][&room_id]["timeline"]["events"]
            .as_array()
            .is_none_or(Vec::is_empty)
    );
    // Typing on is no news.
    type_in(&server, &samir, &room_id, Some(60_000)).await;
    assert!(!has_news(&client.sync().await));
    let answer = client.wait_for(type_in(&server, &samir, &room_id, None)).await;
    assert_eq!(*ephemeral(&answer, &room_id, "m.typing"), json!({ "user_ids": [] }));

    // Somebody whose connection is gone stops typing by themselves.
    let answer = client.wait_for(type_in(&server, &samir, &room_id, Some(50))).await;
    assert_eq!(*ephemeral(&answer, &room_id, "m.typing"), typing);
    server.clock.advance(Duration::from_secs(1));
    let answer = client.wait().await;
    assert_eq!(*ephemeral(&answer, &room_id, "m.typing"), json!({ "user_ids": [] }));
}

#[tokio::test]
async fn to_device_messages_wake_their_device() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let phone = server.sign_in("claire").await;
    let mut client = Client::start(&server, &claire).await;
    let mut other = Client::start(&server, &phone).await;
    let path = format!("{V3}/sendToDevice/m.test/t1");
    let body = json!({ "messages": { &claire.user_id: { &claire.device_id: { "n": 1 } } } });
    let answer = client.wait_for(server.put(&phone, &path, body)).await;
    assert_eq!(answer["to_device"]["events"][0]["content"]["n"], 1);
    assert_eq!(answer["to_device"]["events"][0]["sender"], claire.user_id);
    assert!(!has_news(&other.sync().await));
    assert!(!has_news(&client.sync().await));
}

#[tokio::test]
async fn time_runs_out_without_news() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let elsewhere = server.room_of(&[&samir]).await;
    let client = Client::start(&server, &claire).await;
    let path = format!("{V3}/sync?timeout=400&since={}", client.since);
    let (answer, ()) = tokio::join!(server.get(&claire, &path), async {
        for number in 0..20 {
            server.write(&samir, &elsewhere, &format!("n{number}")).await;
        }
    });
    assert!(!has_news(&answer.ok()));
}

#[tokio::test]
async fn all_devices_of_a_user_are_woken() {
    let server = TestServer::start().await;
    let samir = server.sign_up("samir").await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&samir, &claire]).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let device = server.sign_in("claire").await;
        clients.push(Client::start(&server, &device).await);
    }
    for client in &mut clients {
        client.sync().await;
    }
    let [one, two, three, four, five] = clients.as_mut_slice() else { unreachable!() };
    let answers = tokio::join!(
        one.wait(),
        two.wait(),
        three.wait(),
        four.wait(),
        five.wait_for(server.write(&samir, &room_id, "bonjour")),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4] {
        let timeline = &answer["rooms"]["join"][&room_id]["timeline"];
        assert_eq!(texts(&timeline["events"]), ["bonjour"]);
    }
}
