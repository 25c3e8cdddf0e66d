//! Threads, and finding the way through a room: its threads, a moment of it, the room after it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const V3: &str = "/_matrix/client/v3";
const V1: &str = "/_matrix/client/v1";

impl TestServer {
    async fn reply(&self, person: &Person, room_id: &str, root: &str, body: &str) -> String {
        let content = json!({
            "msgtype": "m.text",
            "body": body,
            "m.relates_to": { "rel_type": "m.thread", "event_id": root },
        });
        self.relate(person, room_id, "m.room.message", content).await
    }

    /// The roots of a room's threads and their latest replies.
    async fn threads(&self, person: &Person, room_id: &str, query: &str) -> Vec<(String, String)> {
        let path = format!("{V1}/rooms/{room_id}/threads{query}");
        let page = self.get(person, &path).await.ok();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let thread = |root: &Value| {
            let latest = &root["unsigned"]["m.relations"]["m.thread"]["latest_event"]["event_id"];
            (text(&root["event_id"]), text(latest))
        };
        page["chunk"].as_array().unwrap().iter().map(thread).collect()
    }
}

#[tokio::test]
async fn threads_are_listed_by_their_latest_reply() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let one = server.write(&claire, &room_id, "one").await;
    let two = server.write(&samir, &room_id, "two").await;
    let in_one = server.reply(&claire, &room_id, &one, "a").await;
    let in_two = server.reply(&samir, &room_id, &two, "b").await;
    let expected = [(two.clone(), in_two.clone()), (one.clone(), in_one.clone())];
    assert_eq!(server.threads(&claire, &room_id, "").await, expected);

    let later = server.reply(&claire, &room_id, &one, "later").await;
    let expected = [(one.clone(), later.clone()), (two.clone(), in_two.clone())];
    assert_eq!(server.threads(&samir, &room_id, "").await, expected);
    let own = server.threads(&samir, &room_id, "?include=participated").await;
    assert_eq!(own, [(two.clone(), in_two.clone())]);
    let path = format!("{V1}/rooms/{room_id}/threads?include=nonsense");
    server.get(&samir, &path).await.refused(400, "M_INVALID_PARAM");

    // A page at a time.
    let path = format!("{V1}/rooms/{room_id}/threads?limit=1");
    let page = server.get(&claire, &path).await.ok();
    let next = page["next_batch"].as_str().unwrap();
    let rest = server.threads(&claire, &room_id, &format!("?limit=1&from={next}")).await;
    assert_eq!(rest, [(two.clone(), in_two.clone())]);
    assert_eq!(page["chunk"][0]["unsigned"]["m.relations"]["m.thread"]["count"], 2);
    let participated = |page: &Value| {
        page["chunk"][0]["unsigned"]["m.relations"]["m.thread"]["current_user_participated"].clone()
    };
    assert_eq!(participated(&page), true);
    assert_eq!(participated(&server.get(&samir, &path).await.ok()), false);

    // Without its last reply a thread is where the one before put it; without any it is none.
    for redacted in [&later, &in_one] {
        let path = format!("{V3}/rooms/{room_id}/redact/{redacted}/{}", redacted.len());
        let path = format!("{path}{}", &redacted[1..5]);
        server.put(&claire, &path, json!({})).await.ok();
        let threads = server.threads(&claire, &room_id, "").await;
        assert_eq!(threads[0], (two.clone(), in_two.clone()));
        assert_eq!(threads.len(), if *redacted == later { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_threads() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire]).await;
    let path = format!("{V1}/rooms/{room_id}/threads");
    server.get(&samir, &path).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn no_thread_grows_from_a_reply_in_a_thread() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let root = server.write(&claire, &room_id, "root").await;
    let reply = server.reply(&claire, &room_id, &root, "reply").await;
    let content = json!({
        "msgtype": "m.text",
        "body": "nested",
        "m.relates_to": { "rel_type": "m.thread", "event_id": reply },
    });
    let path = format!("{V3}/rooms/{room_id}/send/m.room.message/nested");
    server.put(&claire, &path, content).await.refused(400, "M_UNKNOWN");
}

#[tokio::test]
async fn a_room_is_found_at_a_date() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    server.clock.advance(Duration::from_secs(1000));
    let room_id = server.room_of(&[&claire]).await;
    server.clock.advance(Duration::from_secs(1000));
    let first = server.write(&claire, &room_id, "first").await;
    let second = server.write(&claire, &room_id, "second").await;
    server.clock.advance(Duration::from_secs(1000));
    let third = server.write(&claire, &room_id, "third").await;
    let path = format!("{V3}/rooms/{room_id}/event/{first}");
    let time = server.get(&claire, &path).await.ok()["origin_server_ts"].as_u64().unwrap();
    let find = |time: u64, direction: &str| {
        format!("{V1}/rooms/{room_id}/timestamp_to_event?ts={time}&dir={direction}")
    };
    for (time, direction, expected) in [
        (time - 1, "f", &first),
        (time, "f", &first),
        (time, "b", &second),
        (time + 1, "f", &third),
        (time + 1, "b", &second),
        (time + 5_000_000, "b", &third),
    ] {
        let found = server.get(&claire, &find(time, direction)).await.ok();
        assert_eq!(found["event_id"], **expected, "{time} {direction}");
        assert!(found["origin_server_ts"].is_u64());
    }
    server.get(&claire, &find(time + 5_000_000, "f")).await.refused(404, "M_NOT_FOUND");
    server.get(&claire, &find(1000, "b")).await.refused(404, "M_NOT_FOUND");
    server.get(&samir, &find(time, "f")).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn every_day_of_a_long_conversation_can_be_jumped_to() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let mut sent = Vec::new();
    for day in 0..70 {
        server.clock.advance(Duration::from_secs(24 * 60 * 60));
        sent.push(server.write(&claire, &room_id, &format!("day {day}")).await);
    }
    let path = format!("{V3}/rooms/{room_id}/event/{}", sent[0]);
    let first = server.get(&claire, &path).await.ok()["origin_server_ts"].as_u64().unwrap();
    for (day, event_id) in (0_u64..).zip(&sent) {
        let noon = first + day * 24 * 60 * 60 * 1000;
        for (time, direction) in [(noon - 1000, "f"), (noon + 1000, "b")] {
            let path = format!("{V1}/rooms/{room_id}/timestamp_to_event?ts={time}&dir={direction}");
            let found = server.get(&claire, &path).await.ok();
            assert_eq!(found["event_id"], **event_id, "day {day} {direction}");
        }
    }
}

#[tokio::test]
async fn people_find_the_room_that_replaces_theirs() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let hugo = server.sign_up("hugo").await;
    let body = json!({
        "preset": "public_chat", "visibility": "public", "room_version": "10",
        "room_alias_name": "lobby", "name": "Lobby", "topic": "Talk",
    });
    let old = server.create_room(&claire, body).await;
    server.post(&samir, &format!("{V3}/join/{old}"), json!({})).await.ok();
    let ban = json!({ "user_id": hugo.user_id, "reason": "noise" });
    server.post(&claire, &format!("{V3}/rooms/{old}/ban"), ban).await.ok();
    let rule = json!({ "actions": ["dont_notify"] });
    for person in [&claire, &samir] {
        let path = format!("{V3}/pushrules/global/room/{old}");
        server.put(person, &path, rule.clone()).await.ok();
        let path = format!("{V3}/user/{}/rooms/{old}/tags/m.favourite", person.user_id);
        server.put(person, &path, json!({ "order": 0.5 })).await.ok();
    }
    let upgrade = format!("{V3}/rooms/{old}/upgrade");
    server.post(&samir, &upgrade, json!({ "new_version": "11" })).await.refused(403, "M_FORBIDDEN");
    let answer = server.post(&claire, &upgrade, json!({ "new_version": "nonsense" })).await;
    answer.refused(400, "M_UNSUPPORTED_ROOM_VERSION");

    let answer = server.post(&claire, &upgrade, json!({ "new_version": "11" })).await.ok();
    let new = answer["replacement_room"].as_str().unwrap();
    let state = async |room_id: &str, rest: &str| {
        server.get(&claire, &format!("{V3}/rooms/{room_id}/state/{rest}")).await
    };
    assert_eq!(state(&old, "m.room.tombstone").await.ok()["replacement_room"], *new);
    let create = state(new, "m.room.create").await.ok();
    assert_eq!(create["predecessor"]["room_id"], *old);
    assert_eq!(create["room_version"], "11");
    assert_eq!(state(new, "m.room.name").await.ok()["name"], "Lobby");
    assert_eq!(state(new, "m.room.join_rules").await.ok()["join_rule"], "public");
    let banned = state(new, &format!("m.room.member/{}", hugo.user_id)).await.ok();
    assert_eq!((&banned["membership"], &banned["reason"]), (&json!("ban"), &json!("noise")));
    let found = server.get(&claire, &format!("{V3}/directory/room/%23lobby:pli.test")).await.ok();
    assert_eq!(found["room_id"], *new);
    assert_eq!(state(new, "m.room.canonical_alias").await.ok()["alias"], "#lobby:pli.test");
    let old_alias = state(&old, "m.room.canonical_alias").await.ok();
    assert!(old_alias["alias"].is_null());
    let levels = state(new, "m.room.power_levels").await.ok();
    assert_eq!(levels["users"], json!({ claire.user_id.clone(): 100 }));

    // Nobody goes on talking in the old one.
    let path = format!("{V3}/rooms/{old}/send/m.room.message/late");
    let late = json!({ "msgtype": "m.text", "body": "late" });
    server.put(&samir, &path, late).await.refused(403, "M_FORBIDDEN");

    // What they had set for the old room, they have in the new one.
    server.post(&samir, &format!("{V3}/join/{new}"), json!({})).await.ok();
    for person in [&claire, &samir] {
        let path = format!("{V3}/pushrules/global/room/{new}");
        let copied = server.get(person, &path).await.ok();
        assert_eq!(copied["actions"], json!(["dont_notify"]));
        let path = format!("{V3}/user/{}/rooms/{new}/tags", person.user_id);
        assert_eq!(server.get(person, &path).await.ok()["tags"]["m.favourite"]["order"], 0.5);
    }
}

#[tokio::test]
async fn whoever_upgrades_a_room_to_version_12_creates_it() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    let body = json!({ "preset": "public_chat", "room_version": "11" });
    let old = server.create_room(&claire, body).await;
    for person in [&samir, &awa] {
        server.post(person, &format!("{V3}/join/{old}"), json!({})).await.ok();
    }
    let levels = json!({
        "users": { claire.user_id.clone(): 100, samir.user_id.clone(): 100, awa.user_id.clone(): 50 },
    });
    let path = format!("{V3}/rooms/{old}/state/m.room.power_levels");
    server.put(&claire, &path, levels).await.ok();
    let body = json!({ "new_version": "12", "additional_creators": [samir.user_id] });
    let answer = server.post(&claire, &format!("{V3}/rooms/{old}/upgrade"), body).await.ok();
    let new = answer["replacement_room"].as_str().unwrap();
    let path = format!("{V3}/rooms/{new}/state/m.room.create");
    let create = server.get(&claire, &path).await.ok();
    assert_eq!(create["additional_creators"], json!([samir.user_id]));
    assert!(create["predecessor"]["event_id"].is_null());
    let path = format!("{V3}/rooms/{new}/state/m.room.power_levels");
    let levels = server.get(&claire, &path).await.ok();
    assert_eq!(levels["users"], json!({ awa.user_id.clone(): 50 }));
}
