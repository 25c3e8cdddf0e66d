//! Which threads people follow (MSC4306, MSC4308).

use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const CHANGES: &str = "/_matrix/client/unstable/io.element.msc4308/thread_subscriptions";

fn path(room: &str, root: &str) -> String {
    format!("/_matrix/client/unstable/io.element.msc4306/rooms/{room}/thread/{root}/subscription")
}

async fn say(server: &TestServer, by: &Person, room: &str, root: Option<&str>, id: &str) -> String {
    let path = format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/{id}");
    let mut body = json!({ "msgtype": "m.text", "body": id });
    if let Some(root) = root {
        body["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": root });
    }
    let answer = server.put(by, &path, body).await.ok();
    answer["event_id"].as_str().unwrap().to_owned()
}

/// People would miss replies in threads that they follow, or be disturbed by those that they don't.
#[tokio::test]
async fn people_follow_threads_until_they_say_otherwise() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room = server.create_room(&claire, json!({})).await;
    let root = say(&server, &claire, &room, None, "root").await;
    let path = path(&room, &root);
    server.delete(&claire, &path).await.ok();
    server.get(&claire, &path).await.refused(404, "M_NOT_FOUND");
    let reply = say(&server, &claire, &room, Some(&root), "first").await;
    server.put(&claire, &path, json!({ "automatic": reply })).await.ok();
    assert_eq!(server.get(&claire, &path).await.ok()["automatic"], true);
    server.put(&claire, &path, json!({})).await.ok();
    assert_eq!(server.get(&claire, &path).await.ok()["automatic"], false);
    server.put(&claire, &path, json!({ "automatic": reply })).await.ok();
    assert_eq!(server.get(&claire, &path).await.ok()["automatic"], false);
    server.delete(&claire, &path).await.ok();
    server.get(&claire, &path).await.refused(404, "M_NOT_FOUND");

    // What came before the unsubscription is no reason to subscribe again; what comes after is.
    let body = json!({ "automatic": reply });
    let conflict = "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION";
    server.put(&claire, &path, body).await.refused(409, conflict);
    let later = say(&server, &claire, &room, Some(&root), "later").await;
    server.put(&claire, &path, json!({ "automatic": later })).await.ok();
    assert_eq!(server.get(&claire, &path).await.ok()["automatic"], true);
}

#[tokio::test]
async fn only_threads_that_one_can_see_can_be_followed() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room = server.create_room(&claire, json!({})).await;
    let root = say(&server, &claire, &room, None, "root").await;
    let other = say(&server, &claire, &room, None, "other").await;
    let reply = say(&server, &claire, &room, Some(&other), "reply").await;
    let not_in_thread = "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD";
    for cause in [&root, &reply] {
        let body = json!({ "automatic": cause });
        server.put(&claire, &path(&room, &root), body).await.refused(400, not_in_thread);
    }
    let unknown = path(&room, "$notathread:example.org");
    server.put(&claire, &unknown, json!({})).await.refused(404, "M_NOT_FOUND");
    server.get(&claire, &unknown).await.refused(404, "M_NOT_FOUND");
    server.put(&samir, &path(&room, &root), json!({})).await.refused(404, "M_NOT_FOUND");
    let wrong = json!({ "automatic": 1 });
    assert_eq!(server.put(&claire, &path(&room, &root), wrong).await.status, 400);
    let nobody =
        server.send(reqwest::Method::PUT, &path(&room, &root), None, Some(json!({}))).await;
    nobody.refused(401, "M_MISSING_TOKEN");
}

/// A client that was away for long asks for what it missed, page by page.
#[tokio::test]
async fn changes_can_be_read_page_by_page() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room = server.create_room(&claire, json!({})).await;
    let mut roots = Vec::new();
    for number in 0..5 {
        let root = say(&server, &claire, &room, None, &number.to_string()).await;
        server.put(&claire, &path(&room, &root), json!({})).await.ok();
        roots.push(root);
    }
    server.delete(&claire, &path(&room, &roots[0])).await.ok();
    let mut found: Vec<String> = Vec::new();
    let mut from = String::new();
    loop {
        let page = server.get(&claire, &format!("{CHANGES}?dir=b&limit=3{from}")).await.ok();
        let subscribed = page["subscribed"][&room].as_object().cloned().unwrap_or_default();
        assert!(subscribed.len() <= 3, "{page}");
        assert!(subscribed.values().all(|one| one["bump_stamp"].is_u64()), "{page}");
        found.extend(subscribed.into_iter().map(|(root, _)| root));
        match &page["end"] {
            Value::String(end) => from = format!("&from={end}"),
            _ => break,
        }
    }
    found.sort();
    let mut expected = roots[1..].to_vec();
    expected.sort();
    assert_eq!(found, expected);
    server.get(&claire, &format!("{CHANGES}?dir=b&from=x")).await.refused(400, "M_INVALID_PARAM");
}
