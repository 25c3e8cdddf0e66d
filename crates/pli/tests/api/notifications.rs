//! The list of what notified: what somebody sees who was away for a while.

use serde_json::{Value, json};

use crate::{
    support::{Person, TestServer},
    sync::V3,
};

async fn list(server: &TestServer, person: &Person, query: &str) -> Value {
    server.get(person, &format!("{V3}/notifications{query}")).await.ok()
}

fn bodies(page: &Value) -> Vec<&str> {
    let notifications = page["notifications"].as_array().unwrap();
    notifications.iter().map(|one| one["event"]["content"]["body"].as_str().unwrap_or("")).collect()
}

async fn mention(server: &TestServer, by: &Person, room_id: &str, who: &Person, text: &str) {
    let content = json!({
        "msgtype": "m.text",
        "body": text,
        "m.mentions": { "user_ids": [who.user_id] },
    });
    server.write_content(by, room_id, text, content).await;
}

#[tokio::test]
async fn what_was_missed_is_listed_newest_first_with_what_was_read() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let first = server.room_of(&[&claire, &samir]).await;
    let second = server.room_of(&[&claire, &samir]).await;
    let read = server.write(&samir, &first, "un").await;
    server.write(&samir, &second, "deux").await;
    mention(&server, &samir, &first, &claire, "trois").await;
    server.write(&claire, &first, "moi").await;
    server.read(&claire, &first, &read, "m.read").await;

    let page = list(&server, &claire, "").await;
    assert_eq!(bodies(&page), ["trois", "deux", "un"]);
    let reads: Vec<bool> = page["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["read"].as_bool().unwrap())
        .collect();
    assert_eq!(reads, [false, false, true]);
    let newest = &page["notifications"][0];
    assert_eq!(newest["room_id"], *first);
    assert!(newest["ts"].is_u64());
    assert_eq!(newest["event"]["sender"], *samir.user_id);
    assert!(newest["actions"].as_array().unwrap().contains(&json!("notify")));
    assert!(page.get("next_token").is_none());

    let highlights = list(&server, &claire, "?only=highlight").await;
    assert_eq!(bodies(&highlights), ["trois"]);
    // The sender of it all was told of one thing only.
    assert_eq!(bodies(&list(&server, &samir, "").await), ["moi"]);
}

#[tokio::test]
async fn paging_shows_everything_once() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let rooms =
        [server.room_of(&[&claire, &samir]).await, server.room_of(&[&claire, &samir]).await];
    let mut expected = Vec::new();
    for number in 0..9 {
        let text = format!("n{number}");
        server.write(&samir, &rooms[number % 2], &text).await;
        expected.insert(0, text);
    }
    let mut seen: Vec<String> = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = list(&server, &claire, &query).await;
        let bodies = bodies(&page);
        assert!(bodies.len() <= 2);
        seen.extend(bodies.into_iter().map(str::to_owned));
        match page["next_token"].as_str() {
            Some(next) => query = format!("?limit=2&from={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_invitation_is_listed_and_nothing_that_the_invited_may_not_see() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.create_room(&samir, json!({})).await;
    server.write(&samir, &room_id, "avant").await;
    server.act(&samir, &room_id, "invite", Some(&claire)).await;
    server.write(&samir, &room_id, "après").await;
    let page = list(&server, &claire, "").await;
    let listed = page["notifications"].as_array().unwrap();
    assert_eq!(listed.len(), 1, "{page}");
    assert_eq!(listed[0]["event"]["content"]["membership"], "invite");
}

#[tokio::test]
async fn months_old_notifications_are_not_listed() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    server.write(&samir, &room_id, "un").await;
    server.clock.advance(std::time::Duration::from_secs(31 * 24 * 60 * 60));
    server.write(&samir, &room_id, "deux").await;
    assert_eq!(bodies(&list(&server, &claire, "").await), ["deux"]);
}

#[tokio::test]
async fn what_is_no_token_or_number_is_refused() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let get = |query: &'static str| server.get(&claire, query);
    get("/_matrix/client/v3/notifications?from=nowhere").await.refused(400, "M_INVALID_PARAM");
    get("/_matrix/client/v3/notifications?limit=many").await.refused(400, "M_INVALID_PARAM");
    let path = format!("{V3}/notifications");
    let stranger = server.send(reqwest::Method::GET, &path, None, None).await;
    stranger.refused(401, "M_MISSING_TOKEN");
    let stranger = server.send(reqwest::Method::GET, &path, Some("nobody"), None).await;
    stranger.refused(401, "M_UNKNOWN_TOKEN");
}
