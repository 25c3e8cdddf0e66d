//! Events that stick for a while (MSC4354): calls by `MatrixRTC` say with them who takes part.

use std::{collections::HashSet, time::Duration};

use serde_json::{Value, json};

use crate::{
    sliding_sync::{Connection, list},
    support::{Answer, Person, TestServer},
};

const V3: &str = "/_matrix/client/v3";
const STICKY: &str = "org.matrix.msc4354.sticky_duration_ms";
const EXTENSION: &str = "org.matrix.msc4354.sticky_events";
const MINUTE: u64 = 60_000;

impl TestServer {
    /// Says that somebody is in a call, for so many milliseconds.
    async fn stick(&self, person: &Person, room: &str, key: &str, duration: &str) -> Answer {
        let path = format!(
            "{V3}/rooms/{room}/send/org.matrix.msc4143.rtc.member/{key}?{STICKY}={duration}"
        );
        self.put(person, &path, json!({ "msc4354_sticky_key": key })).await
    }

    async fn stick_for_a_minute(&self, person: &Person, room: &str, key: &str) -> String {
        let answer = self.stick(person, room, key, "60000").await.ok();
        answer["event_id"].as_str().unwrap().to_owned()
    }

    /// More than fits into the part of the timeline that a sync shows.
    async fn chat(&self, person: &Person, room: &str, count: usize) {
        for index in 0..count {
            let transaction = format!("chat-{}-{index}", self.clock_ms());
            let path = format!("{V3}/rooms/{room}/send/m.room.message/{transaction}");
            let text = json!({ "msgtype": "m.text", "body": format!("message {index}") });
            self.put(person, &path, text).await.ok();
        }
        self.clock.advance(Duration::from_millis(1));
    }

    fn clock_ms(&self) -> u64 {
        use pli_store::ambient::Clock as _;
        self.clock.now_ms()
    }
}

fn ids(events: &Value) -> Vec<String> {
    let events = events.as_array().into_iter().flatten();
    events.map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

fn room_in<'a>(answer: &'a Value, room: &str) -> &'a Value {
    &answer["rooms"]["join"][room]
}

fn sticky_in(answer: &Value, room: &str) -> Vec<String> {
    ids(&room_in(answer, room)["msc4354_sticky"]["events"])
}

fn timeline_in(answer: &Value, room: &str) -> Vec<String> {
    ids(&room_in(answer, room)["timeline"]["events"])
}

fn token(answer: &Value) -> String {
    answer["next_batch"].as_str().unwrap().to_owned()
}

async fn room_of_two(server: &TestServer) -> (Person, Person, String) {
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let body = json!({
        "preset": "public_chat",
        "initial_state": [{
            "type": "m.room.history_visibility",
            "content": { "history_visibility": "joined" },
        }],
    });
    let room = server.create_room(&claire, body).await;
    server.post(&samir, &format!("{V3}/rooms/{room}/join"), json!({})).await.ok();
    (claire, samir, room)
}

/// Who comes back to a busy room would not see that a call goes on in it.
#[tokio::test]
async fn who_was_away_learns_who_is_in_the_call() {
    let server = TestServer::start().await;
    let (claire, samir, room) = room_of_two(&server).await;
    let since = token(&server.sync(&samir, "").await);
    let in_call = server.stick_for_a_minute(&claire, &room, "phone").await;

    let seen = server.sync(&samir, &since).await;
    assert_eq!(timeline_in(&seen, &room), [&*in_call]);
    assert!(sticky_in(&seen, &room).is_empty(), "it is told once");
    let event = &room_in(&seen, &room)["timeline"]["events"][0];
    assert_eq!(event["msc4354_sticky"], json!({ "duration_ms": 60_000 }));
    assert_eq!(event["unsigned"]["msc4354_sticky_duration_ttl_ms"], 60_000);

    server.clock.advance(Duration::from_secs(20));
    server.chat(&claire, &room, 25).await;
    let back = server.sync(&samir, &since).await;
    assert!(!timeline_in(&back, &room).contains(&in_call));
    assert_eq!(sticky_in(&back, &room), [&*in_call]);
    let event = &room_in(&back, &room)["msc4354_sticky"]["events"][0];
    assert_eq!(event["content"]["msc4354_sticky_key"], "phone");
    let left = event["unsigned"]["msc4354_sticky_duration_ttl_ms"].as_u64().unwrap();
    assert!((39_000..=40_000).contains(&left), "{event}");
    let next = server.sync(&samir, &token(&back)).await;
    assert!(sticky_in(&next, &room).is_empty(), "it came again: {next}");

    // A device that is new learns it too, as long as it is so.
    let desk = server.sign_in("samir").await;
    assert_eq!(sticky_in(&server.sync(&desk, "").await, &room), [&*in_call]);
    server.clock.advance(Duration::from_secs(40));
    assert!(sticky_in(&server.sync(&desk, "").await, &room).is_empty());
    let path = format!("{V3}/rooms/{room}/event/{in_call}");
    let event = server.get(&samir, &path).await.ok();
    assert_eq!(event["msc4354_sticky"]["duration_ms"], 60_000);
    assert!(event["unsigned"].get("msc4354_sticky_duration_ttl_ms").is_none(), "{event}");
}

/// Who comes into a room could not join the call in it, because its history is not theirs to see.
#[tokio::test]
async fn who_comes_into_a_room_learns_who_is_in_the_call() {
    let server = TestServer::start().await;
    let (claire, samir, room) = room_of_two(&server).await;
    let awa = server.sign_up("awa").await;
    let since = token(&server.sync(&awa, "").await);
    let mut connection = Connection::new(
        &server,
        &awa,
        json!({ "lists": { "rooms": list(0, 9) }, "extensions": { EXTENSION: { "enabled": true } } }),
    );
    connection.sync().await;
    let early = server.stick_for_a_minute(&claire, &room, "early").await;
    server.chat(&claire, &room, 25).await;
    let late = server.stick_for_a_minute(&samir, &room, "late").await;
    let outsider = server.sync(&awa, &since).await;
    assert!(outsider.get("rooms").is_none(), "{outsider}");

    server.post(&awa, &format!("{V3}/rooms/{room}/join"), json!({})).await.ok();
    let joined = server.sync(&awa, &since).await;
    assert_eq!(sticky_in(&joined, &room), [&*early, &late]);
    assert!(!joined.to_string().contains("message 24"), "history is for who was there: {joined}");
    let answer = connection.sync().await;
    let told = &answer["extensions"][EXTENSION];
    assert_eq!(ids(&told["rooms"][&room]["events"]), [early, late], "{answer}");
}

/// A call of hundreds would make one answer so large that phones give up on it.
#[tokio::test]
async fn very_many_come_in_several_answers() {
    let server = TestServer::start().await;
    let (claire, samir, room) = room_of_two(&server).await;
    let mut since = token(&server.sync(&samir, "").await);
    let mut expected = HashSet::new();
    for index in 0..130 {
        expected.insert(server.stick_for_a_minute(&claire, &room, &format!("{index}")).await);
    }
    let mut answers = 0;
    while !expected.is_empty() {
        answers += 1;
        assert!(answers < 4, "missing: {expected:?}");
        let path = format!("{V3}/sync?timeout=30000&since={since}");
        let answer = server.get(&samir, &path).await.ok();
        let (sticky, timeline) = (sticky_in(&answer, &room), timeline_in(&answer, &room));
        assert!(sticky.len() <= 100, "{} at once", sticky.len());
        for event_id in sticky.iter().chain(&timeline) {
            expected.remove(event_id);
        }
        since = token(&answer);
    }
    assert!(answers > 1);
    let after = server.sync(&samir, &since).await;
    assert!(after.get("rooms").is_none(), "{after}");
}

/// Apps built on sliding sync would miss calls in rooms that are not on the screen.
#[tokio::test]
async fn sliding_sync_tells_of_rooms_outside_its_windows() {
    let server = TestServer::start().await;
    let (claire, samir, room) = room_of_two(&server).await;
    let in_call = server.stick_for_a_minute(&claire, &room, "first").await;
    // A newer room takes the one place that the window has.
    server.create_room(&samir, json!({ "name": "Noise" })).await;
    let body = json!({
        "lists": { "rooms": list(0, 0) },
        "extensions": { EXTENSION: { "enabled": true, "limit": 2 } },
    });
    let mut connection = Connection::new(&server, &samir, body);
    let first = connection.sync().await;
    assert!(first["rooms"].get(&room).is_none(), "{first}");
    let told = &first["extensions"][EXTENSION];
    assert_eq!(ids(&told["rooms"][&room]["events"]), [&*in_call]);
    let event = &told["rooms"][&room]["events"][0];
    assert_eq!(event["unsigned"]["msc4354_sticky_duration_ttl_ms"], 60_000);
    connection.body["extensions"][EXTENSION]["since"] = told["next_batch"].clone();
    let quiet = connection.sync().await;
    assert!(quiet["extensions"].get(EXTENSION).is_none(), "{quiet}");

    // Bound to come, a few at a time.
    let mut expected = Vec::new();
    for key in ["a", "b", "c"] {
        expected.push(server.stick_for_a_minute(&claire, &room, key).await);
    }
    server.create_room(&samir, json!({ "name": "More noise" })).await;
    let mut got = Vec::new();
    for _ in 0..2 {
        let answer = connection.ask(30_000).await.ok();
        answer["pos"].as_str().unwrap().clone_into(&mut connection.pos);
        let told = &answer["extensions"][EXTENSION];
        let events = ids(&told["rooms"][&room]["events"]);
        assert!(events.len() <= 2, "{told}");
        got.extend(events);
        connection.body["extensions"][EXTENSION]["since"] = told["next_batch"].clone();
    }
    assert_eq!(got, expected);

    // Somebody who waits hears of it at once, by the timeline or by the extension.
    let answer = connection.wait_for(server.stick_for_a_minute(&claire, &room, "woken")).await;
    assert!(answer.to_string().contains("woken"), "{answer}");
    let mut wrong = Connection::new(
        &server,
        &samir,
        json!({
            "extensions": { EXTENSION: { "enabled": true, "since": "yesterday" } },
        }),
    );
    wrong.pos = String::new();
    wrong.ask(0).await.refused(400, "M_INVALID_PARAM");
}

/// A call would look as if somebody were in it who is not, and people would be shown whom they do
/// not want to see.
#[tokio::test]
async fn what_was_taken_back_or_is_ignored_does_not_stick() {
    let server = TestServer::start().await;
    let (claire, samir, room) = room_of_two(&server).await;
    let since = token(&server.sync(&samir, "").await);
    let gone = server.stick_for_a_minute(&claire, &room, "gone").await;
    let path = format!("{V3}/rooms/{room}/redact/{gone}/txn");
    server.put(&claire, &path, json!({})).await.ok();
    let stays = server.stick_for_a_minute(&claire, &room, "stays").await;
    server.chat(&claire, &room, 25).await;
    assert_eq!(sticky_in(&server.sync(&samir, &since).await, &room), [stays]);

    let path = format!("{V3}/user/{}/account_data/m.ignored_user_list", samir.user_id);
    server.put(&samir, &path, json!({ "ignored_users": { &claire.user_id: {} } })).await.ok();
    let answer = server.sync(&samir, &since).await;
    assert!(sticky_in(&answer, &room).is_empty(), "{answer}");
}

/// State that says who is in a call sticks as well, also when it is only renewed, and so does what
/// is sent later: a hang-up that a dead phone left behind.
#[tokio::test]
async fn state_and_delayed_events_can_stick() {
    let server = TestServer::start().await;
    let (claire, samir, room) = room_of_two(&server).await;
    let since = token(&server.sync(&samir, "").await);
    let path = format!("{V3}/rooms/{room}/state/com.example.call/mine?{STICKY}=60000");
    let first = server.put(&claire, &path, json!({ "in": true })).await.ok();
    server.clock.advance(Duration::from_millis(30 * 1000));
    let again = server.put(&claire, &path, json!({ "in": true })).await.ok();
    assert_ne!(first["event_id"], again["event_id"], "its time begins anew");
    let path = format!(
        "{V3}/rooms/{room}/send/com.example.call/later?{STICKY}={MINUTE}&org.matrix.msc4140.delay=1000"
    );
    server.put(&claire, &path, json!({ "hang": "up" })).await.ok();
    server.clock.advance(Duration::from_millis(31 * 1000));
    let delayed = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";
    let nothing_waits = async || {
        let waiting = server.get(&claire, delayed).await.ok();
        waiting["delayed_events"].as_array().unwrap().is_empty()
    };
    server.until(nothing_waits).await;
    server.chat(&claire, &room, 25).await;
    let answer = server.sync(&samir, &since).await;
    let told = &room_in(&answer, &room)["msc4354_sticky"]["events"];
    let told: Vec<&Value> =
        told.as_array().unwrap().iter().map(|event| &event["content"]).collect();
    assert_eq!(told, [&json!({ "in": true }), &json!({ "hang": "up" })]);
}

/// A client that believes its event to stick would not send it again.
#[tokio::test]
async fn what_is_no_duration_is_refused() {
    let server = TestServer::start().await;
    let (claire, _, room) = room_of_two(&server).await;
    for wrong in ["-1", "3600001", "1.5", "soon", ""] {
        server.stick(&claire, &room, "wrong", wrong).await.refused(400, "M_INVALID_PARAM");
        let path = format!("{V3}/rooms/{room}/state/com.example.call/mine?{STICKY}={wrong}");
        server.put(&claire, &path, json!({})).await.refused(400, "M_INVALID_PARAM");
    }
    server.stick(&claire, &room, "longest", "3600000").await.ok();
    let nobody = server.send(reqwest::Method::GET, "/_matrix/client/versions", None, None).await;
    assert_eq!(nobody.ok()["unstable_features"]["org.matrix.msc4354"], true);
}
