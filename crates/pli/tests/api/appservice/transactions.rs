//! What a bridge is told.

use axum::http::Method;
use serde_json::{Value, json};

use super::bridge::{Bridge, Bridging, all};
use crate::support::{Person, TestServer};

/// A room of Claire's with the bridge's bot in it.
async fn portal(server: &TestServer, claire: &Person) -> String {
    let body = json!({ "invite": ["@telegrambot:pli.test"] });
    let room = server.create_room(claire, body).await;
    let path = format!("/_matrix/client/v3/rooms/{room}/join");
    server.bridge(Method::POST, &path, Some(json!({}))).await.ok();
    room
}

fn texts(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["content"]["body"].as_str()).collect()
}

#[tokio::test]
async fn a_bridge_hears_what_happens_in_its_rooms_and_nothing_else() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let private = server.create_room(&claire, json!({})).await;
    let room = portal(&server, &claire).await;
    server.say(&claire, &private, "secret").await;
    let event_id = server.say(&claire, &room, "bonjour").await;

    let events = bridge.until_text("bonjour").await;
    assert_eq!(texts(&events), ["bonjour"]);
    assert!(events.iter().all(|event| event["room_id"] == room), "{events:#?}");
    let last = events.last().unwrap();
    assert_eq!((&last["event_id"], &last["sender"]), (&json!(event_id), &json!(claire.user_id)));
    assert!(last["origin_server_ts"].is_u64());
    // The invitation says what room it is about.
    let invite = events.iter().find(|event| event["content"]["membership"] == "invite").unwrap();
    assert_eq!(invite["state_key"], "@telegrambot:pli.test");
    let stripped = invite["unsigned"]["invite_room_state"].as_array().unwrap();
    assert!(stripped.iter().any(|event| event["type"] == "m.room.create"), "{stripped:#?}");

    // Out of the room, out of the news: the last thing told is that it left.
    let path = format!("/_matrix/client/v3/rooms/{room}/leave");
    server.bridge(Method::POST, &path, Some(json!({}))).await.ok();
    server.say(&claire, &room, "between ourselves").await;
    let other = portal(&server, &claire).await;
    server.say(&claire, &other, "again").await;
    let events = bridge.until_text("again").await;
    assert_eq!(texts(&events), ["bonjour", "again"]);
}

/// A message that a bridge loses, takes twice or out of order is one that people never get.
#[tokio::test]
async fn what_a_bridge_did_not_take_comes_again_as_it_was_and_in_order() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let room = portal(&server, &claire).await;
    server.say(&claire, &room, "before").await;
    bridge.until_text("before").await;

    bridge.answer_transactions(500);
    server.say(&claire, &room, "one").await;
    bridge.until_text("one").await;
    for text in ["two", "three"] {
        server.say(&claire, &room, text).await;
    }
    let before = bridge.attempts().len();
    let attempts = bridge.until(|attempts| attempts.len() > before).await;
    assert_eq!(attempts[before - 1], attempts[before]);
    bridge.answer_transactions(200);
    let events = bridge.until_text("three").await;
    let mut order = texts(&events);
    order.dedup();
    assert_eq!(order, ["before", "one", "two", "three"]);
    let mut ids: Vec<_> = bridge.attempts().into_iter().map(|attempt| attempt.id).collect();
    ids.dedup();
    let different = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), different, "an id came again after another one");
}

/// A bridge that was down for a night gets what it missed in portions that it can take.
#[tokio::test]
async fn much_that_was_missed_comes_in_portions() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let room = portal(&server, &claire).await;
    bridge.answer_transactions(500);
    server.say(&claire, &room, "first").await;
    bridge.until_text("first").await;
    let numbers: Vec<String> = (0..250).map(|number| format!("message-{number}")).collect();
    for text in &numbers {
        server.say(&claire, &room, text).await;
    }
    bridge.answer_transactions(200);
    let before = bridge.attempts().len();
    let last = numbers.last().unwrap();
    bridge.until_text(last).await;
    let attempts = bridge.attempts().split_off(before);
    assert!(attempts.len() > 2, "{} transactions", attempts.len());
    let events = all(&attempts, "events");
    assert_eq!(texts(&events)[1..], numbers);
}

#[tokio::test]
async fn a_restart_in_the_middle_changes_nothing_for_the_bridge() {
    let bridge = Bridge::listen().await;
    let mut server = bridge.server_with(json!({}), "").await;
    let claire = server.sign_up("claire").await;
    let room = portal(&server, &claire).await;
    server.say(&claire, &room, "before").await;
    bridge.until_text("before").await;
    bridge.answer_transactions(503);
    server.say(&claire, &room, "one").await;
    bridge.until_text("one").await;
    server.say(&claire, &room, "two").await;

    server.restart().await;
    let interrupted = bridge.attempts().last().unwrap().clone();
    let before = bridge.attempts().len();
    bridge.answer_transactions(200);
    let attempts = bridge.until(|attempts| attempts.len() > before).await;
    // It is sent again before anything else, as it was.
    assert_eq!(attempts[before], interrupted);
    server.say(&claire, &room, "three").await;
    let events = bridge.until_text("three").await;
    let mut order = texts(&events);
    order.dedup();
    assert_eq!(order, ["before", "one", "two", "three"]);
}

#[tokio::test]
async fn a_bridge_that_says_that_it_is_back_need_not_wait() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let room = portal(&server, &claire).await;
    bridge.answer_transactions(500);
    server.say(&claire, &room, "one").await;
    // The waits have grown to more than the test may take.
    bridge.until(|attempts| attempts.len() >= 4).await;
    bridge.answer_transactions(200);
    bridge.answer("/ping", 200, json!({}));
    let before = bridge.attempts().len();
    let path = "/_matrix/client/v1/appservice/telegram/ping";
    server.bridge(Method::POST, path, Some(json!({}))).await.ok();
    bridge.until(|attempts| attempts.len() > before).await;
}

#[tokio::test]
async fn a_bridge_hears_of_rooms_by_their_alias_and_of_its_users() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let puppet = server.puppet("telegram_1").await;
    // The bot creates the portal with an alias and leaves again.
    let body = json!({ "room_alias_name": "telegram_news", "preset": "public_chat" });
    let created = server.bridge(Method::POST, "/_matrix/client/v3/createRoom", Some(body)).await;
    let room = created.ok()["room_id"].as_str().unwrap().to_owned();
    let path = format!("/_matrix/client/v3/rooms/{room}");
    server.post(&claire, &format!("{path}/join"), json!({})).await.ok();
    server.bridge(Method::POST, &format!("{path}/leave"), Some(json!({}))).await.ok();
    server.say(&claire, &room, "by alias").await;
    bridge.until_text("by alias").await;

    // A puppet in a room of its own choosing counts as much as the bot.
    let other = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    let join = format!("/_matrix/client/v3/rooms/{other}/join?{puppet}");
    server.bridge(Method::POST, &join, Some(json!({}))).await.ok();
    server.say(&claire, &other, "to the puppet").await;
    bridge.until_text("to the puppet").await;

    // Who is there is for the whole bridge to know.
    let members = format!("/_matrix/client/v3/rooms/{other}/joined_members");
    let members = server.bridge(Method::GET, &members, None).await.ok();
    assert!(members["joined"]["@telegram_1:pli.test"].is_object(), "{members}");
}

/// A bridge that is down while its bot is invited somewhere must not be told afterwards what was said
/// there before.
#[tokio::test]
async fn what_was_said_before_a_bridge_came_in_is_not_told_however_late_it_reads() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let other = portal(&server, &claire).await;
    bridge.answer_transactions(500);
    server.say(&claire, &other, "stuck").await;
    bridge.until_text("stuck").await;
    let room = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    server.say(&claire, &room, "before").await;
    let path = format!("/_matrix/client/v3/rooms/{room}");
    server.bridge(Method::POST, &format!("{path}/join"), Some(json!({}))).await.ok();
    server.say(&claire, &room, "after").await;
    bridge.answer_transactions(200);
    let mut events = bridge.until_text("after").await;
    events.retain(|event| event["room_id"] == room);
    assert_eq!(events[0]["content"]["membership"], "join", "{events:#?}");
    assert_eq!(texts(&events), ["after"]);
}

#[tokio::test]
async fn typing_and_receipts_come_to_those_who_want_them() {
    let bridge = Bridge::listen().await;
    let fields = json!({ "receive_ephemeral": true });
    let server = bridge.server_with(fields, "store.url = \"memory:\"").await;
    let claire = server.sign_up("claire").await;
    let room = portal(&server, &claire).await;
    let event_id = server.say(&claire, &room, "bonjour").await;
    let path = format!("/_matrix/client/v3/rooms/{room}");
    let typing = format!("{path}/typing/{}", claire.user_id);
    let body = json!({ "typing": true, "timeout": 30_000 });
    server.put(&claire, &typing, body).await.ok();
    let notice = bridge.until_in("ephemeral", |event| event["type"] == "m.typing").await;
    assert_eq!(notice["room_id"], room);
    assert_eq!(notice["content"], json!({ "user_ids": [claire.user_id] }));

    for (kind, thread) in [("m.read.private", "main"), ("m.read", "main")] {
        let receipt = format!("{path}/receipt/{kind}/{event_id}");
        server.post(&claire, &receipt, json!({ "thread_id": thread })).await.ok();
    }
    let receipt = bridge.until_in("ephemeral", |event| event["type"] == "m.receipt").await;
    assert_eq!(receipt["room_id"], room);
    let content = &receipt["content"][&event_id];
    assert_eq!(content["m.read"][&claire.user_id]["thread_id"], "main", "{receipt:#}");
    assert!(content["m.read"][&claire.user_id]["ts"].is_u64());
    // What is private stays so.
    assert!(!receipt.to_string().contains("m.read.private"));
}

#[tokio::test]
async fn a_bridge_sees_who_is_there_among_those_in_its_rooms() {
    let bridge = Bridge::listen().await;
    let fields = json!({ "receive_ephemeral": true });
    let lines = "store.url = \"memory:\"\npresence.enabled = true";
    let server = bridge.server_with(fields, lines).await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    portal(&server, &claire).await;
    let status = async |person: &Person, message: &str| {
        let path = format!("/_matrix/client/v3/presence/{}/status", person.user_id);
        let body = json!({ "presence": "unavailable", "status_msg": message });
        server.put(person, &path, body).await.ok();
    };
    status(&samir, "nobody's business").await;
    status(&claire, "à midi").await;
    let is_status = |event: &Value| event["content"]["status_msg"] == "à midi";
    let event = bridge.until_in("ephemeral", is_status).await;
    assert_eq!((&event["type"], &event["sender"]), (&json!("m.presence"), &json!(claire.user_id)));
    assert_eq!(event["content"]["presence"], "unavailable");
    let told = all(&bridge.attempts(), "ephemeral");
    assert!(told.iter().all(|event| event["sender"] != samir.user_id), "{told:#?}");
}

#[tokio::test]
async fn those_who_did_not_ask_get_events_only() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let room = portal(&server, &claire).await;
    let typing = format!("/_matrix/client/v3/rooms/{room}/typing/{}", claire.user_id);
    server.put(&claire, &typing, json!({ "typing": true, "timeout": 30_000 })).await.ok();
    let event_id = server.say(&claire, &room, "bonjour").await;
    let receipt = format!("/_matrix/client/v3/rooms/{room}/receipt/m.read/{event_id}");
    server.post(&claire, &receipt, json!({})).await.ok();
    server.say(&claire, &room, "encore").await;
    bridge.until_text("encore").await;
    for attempt in bridge.attempts() {
        let keys: Vec<_> = attempt.body.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["events"]);
    }
    assert!(all(&bridge.attempts(), "ephemeral").is_empty());
}
