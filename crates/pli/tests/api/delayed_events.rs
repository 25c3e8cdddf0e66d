//! Events that are sent later (MSC4140).

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const EVENTS: &str = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";

impl TestServer {
    async fn waiting(&self, person: &Person) -> Vec<Value> {
        self.get(person, EVENTS).await.ok()["delayed_events"].as_array().unwrap().clone()
    }

    async fn act_on(&self, delay_id: &str, action: &str) -> crate::support::Answer {
        let path = format!("{EVENTS}/{delay_id}/{action}");
        self.send(reqwest::Method::POST, &path, None, Some(json!({}))).await
    }

    async fn delay_state(&self, person: &Person, room: &str, key: &str, delay: u64) -> String {
        let path = format!(
            "/_matrix/client/v3/rooms/{room}/state/com.example.test/{key}?\
             org.matrix.msc4140.delay={delay}"
        );
        let answer = self.put(person, &path, json!({ "setter": person.user_id })).await.ok();
        answer["delay_id"].as_str().unwrap().to_owned()
    }

    async fn has_state(&self, person: &Person, room: &str, key: &str) -> bool {
        let path = format!("/_matrix/client/v3/rooms/{room}/state/com.example.test/{key}");
        self.get(person, &path).await.status.is_success()
    }
}

async fn room_of_two(server: &TestServer) -> (Person, Person, String) {
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let body = json!({
        "preset": "public_chat",
        "power_level_content_override": { "events": { "com.example.test": 0 } },
    });
    let room = server.create_room(&claire, body).await;
    server.post(&samir, &format!("/_matrix/client/v3/rooms/{room}/join"), json!({})).await.ok();
    (claire, samir, room)
}

/// Who schedules messages finds them sent, in their order and once each.
#[tokio::test]
async fn scheduled_messages_are_sent_when_they_are_due() {
    let server = TestServer::start().await;
    let (claire, samir, room) = room_of_two(&server).await;
    let since = server.sync(&claire, "").await["next_batch"].as_str().unwrap().to_owned();
    for (count, delay) in [(1, 7_000), (2, 8_000), (3, 9_000)] {
        let path = format!(
            "/_matrix/client/v3/rooms/{room}/send/com.example.test/txn{count}?\
             org.matrix.msc4140.delay={delay}"
        );
        let first = server.put(&claire, &path, json!({ "count": count })).await.ok();
        let again = server
            .send_bytes(reqwest::Method::PUT, &path, Some(&claire.access_token), "")
            .await
            .ok();
        assert_eq!(first["delay_id"], again["delay_id"]);
    }
    let waiting = server.waiting(&claire).await;
    assert_eq!(waiting.len(), 3);
    assert_eq!(waiting[0]["content"], json!({ "count": 1 }));
    assert_eq!(waiting[0]["delay"], 7_000);
    assert_eq!(waiting[0]["delay_ms"], 7_000);
    assert_eq!(waiting[0]["delayed_since_ts"], waiting[0]["running_since"]);
    assert_eq!(waiting[0].get("finalised"), None);
    assert!(server.waiting(&samir).await.is_empty());
    server
        .get(&samir, &format!("{EVENTS}/{}", waiting[0]["delay_id"].as_str().unwrap()))
        .await
        .refused(404, "M_NOT_FOUND");

    server.clock.advance(Duration::from_secs(10));
    server.until(async || server.waiting(&claire).await.is_empty()).await;
    let path = format!("/_matrix/client/v3/rooms/{room}/messages?dir=f&from={since}");
    let messages = server.get(&claire, &path).await.ok();
    let counts: Vec<_> = messages["chunk"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["content"]["count"].clone())
        .collect();
    assert_eq!(counts, [1, 2, 3]);
    let path = format!("{EVENTS}/{}", waiting[0]["delay_id"].as_str().unwrap());
    let sent = server.get(&claire, &path).await.ok();
    assert_eq!(sent["event_id"], messages["chunk"][0]["event_id"]);
    // Apps that know the accepted proposal would take it for one that waits.
    assert_eq!(sent["finalised"]["event_id"], messages["chunk"][0]["event_id"]);
    assert!(sent["finalised"]["finalised_ts"].is_u64(), "{sent}");
}

/// A call that somebody left stays open for ever if the server forgets what it was to send.
#[tokio::test]
async fn what_waits_survives_a_restart() {
    let mut server = TestServer::start_on_disk().await;
    let (claire, _, room) = room_of_two(&server).await;
    server.delay_state(&claire, &room, "soon", 1_000).await;
    server.delay_state(&claire, &room, "late", 100_000).await;
    server.clock.advance(Duration::from_secs(5));
    server.restart().await;
    server.until(async || server.has_state(&claire, &room, "soon").await).await;
    assert!(!server.has_state(&claire, &room, "late").await);
    assert_eq!(server.waiting(&claire).await.len(), 1);
    server.clock.advance(Duration::from_secs(100));
    server.until(async || server.has_state(&claire, &room, "late").await).await;
}

/// Who is still in a call would be shown as gone if a restart came to nothing, and as there if a
/// cancellation or a request to send did.
#[tokio::test]
async fn whoever_knows_the_id_can_cancel_restart_and_send() {
    let server = TestServer::start().await;
    let (claire, _, room) = room_of_two(&server).await;
    let cancelled = server.delay_state(&claire, &room, "cancelled", 10_000).await;
    let restarted = server.delay_state(&claire, &room, "restarted", 10_000).await;
    let sent = server.delay_state(&claire, &room, "sent", 10_000).await;
    server.clock.advance(Duration::from_secs(6));
    server.act_on(&cancelled, "cancel").await.ok();
    server.act_on(&restarted, "restart").await.ok();
    server.act_on(&sent, "send").await.ok();
    assert!(server.has_state(&claire, &room, "sent").await);
    server.clock.advance(Duration::from_secs(6));
    assert_eq!(server.waiting(&claire).await.len(), 1);
    assert!(!server.has_state(&claire, &room, "restarted").await);
    server.clock.advance(Duration::from_secs(6));
    server.until(async || server.has_state(&claire, &room, "restarted").await).await;
    assert!(!server.has_state(&claire, &room, "cancelled").await);

    // Asking again for what happened is fine; asking for something else comes too late.
    server.act_on(&sent, "send").await.ok();
    server.act_on(&cancelled, "cancel").await.ok();
    server.act_on(&cancelled, "send").await.refused(409, "M_UNKNOWN");
    let over = server.get(&claire, &format!("{EVENTS}/{cancelled}")).await.ok();
    assert!(over["finalised_ts"].is_u64(), "{over}");
}

/// Clients tell people what is wrong by these answers.
#[tokio::test]
async fn what_cannot_be_scheduled_is_refused() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
         delayed_events.max_delay = \"1 h\"\ndelayed_events.max_per_user = 2",
    )
    .await;
    let (claire, _, room) = room_of_two(&server).await;
    let hugo = server.sign_up("hugo").await;
    let path = |transaction: &str, delay: &str| {
        format!(
            "/_matrix/client/v3/rooms/{room}/send/m.room.message/{transaction}?\
             org.matrix.msc4140.delay={delay}"
        )
    };
    let text = || json!({ "msgtype": "m.text", "body": "later" });
    let long = server.put(&claire, &path("long", "3600001"), text()).await;
    let long = long.refused(400, "M_UNKNOWN");
    assert_eq!(long["org.matrix.msc4140.errcode"], "M_MAX_DELAY_EXCEEDED");
    assert_eq!(long["org.matrix.msc4140.max_delay"], 3_600_000);
    for not_a_delay in ["soon", "-1", ""] {
        let answer = server.put(&claire, &path("wrong", not_a_delay), text()).await;
        assert_eq!(answer.status, 400, "{not_a_delay}: {}", answer.body);
    }
    server.put(&claire, &path("list", "1000"), json!([])).await.refused(400, "M_BAD_JSON");
    server.put(&hugo, &path("stranger", "1000"), text()).await.refused(403, "M_FORBIDDEN");
    for transaction in ["one", "two"] {
        server.put(&claire, &path(transaction, "1000"), text()).await.ok();
    }
    let many = server.put(&claire, &path("three", "1000"), text()).await.refused(400, "M_UNKNOWN");
    assert_eq!(many["org.matrix.msc4140.errcode"], "M_MAX_DELAYED_EVENTS_EXCEEDED");

    for action in ["cancel", "restart", "send"] {
        server.act_on("abc", action).await.refused(404, "M_NOT_FOUND");
    }
    server.act_on("abc", "oops").await.refused(404, "M_UNRECOGNIZED");
    let nobody = server.send(reqwest::Method::GET, EVENTS, None, None).await;
    nobody.refused(401, "M_MISSING_TOKEN");
}

/// What somebody else set meanwhile would be undone by an older wish; what may not be sent any more
/// must not wait for ever.
#[tokio::test]
async fn what_may_not_be_sent_any_more_is_over() {
    let server = TestServer::start().await;
    let (claire, samir, room) = room_of_two(&server).await;
    let older = server.delay_state(&samir, &room, "shared", 10_000).await;
    let gone = server.delay_state(&samir, &room, "mine", 20_000).await;
    let path = format!("/_matrix/client/v3/rooms/{room}/state/com.example.test/shared");
    server.put(&claire, &path, json!({ "setter": "newer" })).await.ok();
    server.clock.advance(Duration::from_secs(11));
    server.until(async || server.waiting(&samir).await.len() == 1).await;
    assert_eq!(server.get(&claire, &path).await.ok()["setter"], "newer");
    let over = server.get(&samir, &format!("{EVENTS}/{older}")).await.ok();
    assert_eq!(over["error"]["errcode"], "M_CANCELLED_BY_STATE_UPDATE");

    server.post(&samir, &format!("/_matrix/client/v3/rooms/{room}/leave"), json!({})).await.ok();
    server.clock.advance(Duration::from_secs(11));
    server.until(async || server.waiting(&samir).await.is_empty()).await;
    let over = server.get(&samir, &format!("{EVENTS}/{gone}")).await.ok();
    assert_eq!(over["error"]["errcode"], "M_FORBIDDEN");
}
