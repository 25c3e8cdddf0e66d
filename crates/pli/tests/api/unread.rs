//! How many messages are unread: what a room list shows, and what a phone rings for.

use serde_json::{Value, json};

use crate::{
    support::{Person, TestServer},
    sync::{Client, V3, filter, has_news},
};

/// Notifications and highlights of a room in an answer.
fn counts(answer: &Value, room_id: &str) -> (u64, u64) {
    counts_in(&answer["rooms"]["join"][room_id]["unread_notifications"])
}

fn counts_in(counts: &Value) -> (u64, u64) {
    let count = |name: &str| counts[name].as_u64().unwrap_or_else(|| panic!("no {name}: {counts}"));
    (count("notification_count"), count("highlight_count"))
}

async fn mention(server: &TestServer, by: &Person, room_id: &str, who: &Person) -> String {
    let content = json!({
        "msgtype": "m.text",
        "body": "mention",
        "m.mentions": { "user_ids": [who.user_id] },
    });
    server.write_content(by, room_id, "mention", content).await
}

async fn write_in(
    server: &TestServer,
    by: &Person,
    room_id: &str,
    root: &str,
    text: &str,
) -> String {
    let content = json!({
        "msgtype": "m.text",
        "body": text,
        "m.relates_to": { "rel_type": "m.thread", "event_id": root },
    });
    server.write_content(by, room_id, text, content).await
}

#[tokio::test]
async fn others_messages_count_until_they_are_read() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut client = Client::start(&server, &claire).await;
    let first = server.write(&samir, &room_id, "un").await;
    server.write(&samir, &room_id, "deux").await;
    assert_eq!(counts(&client.sync().await, &room_id), (2, 0));
    // One's own words are never unread.
    server.write(&claire, &room_id, "moi").await;
    assert_eq!(counts(&client.sync().await, &room_id), (2, 0));
    mention(&server, &samir, &room_id, &claire).await;
    assert_eq!(counts(&client.sync().await, &room_id), (3, 1));
    server.read(&claire, &room_id, &first, "m.read").await;
    assert_eq!(counts(&client.sync().await, &room_id), (2, 1));

    server.restart().await;
    assert_eq!(counts(&server.sync(&claire, "").await, &room_id), (2, 1));
    let last = server.write(&samir, &room_id, "fin").await;
    server.read(&claire, &room_id, &last, "m.read.private").await;
    assert_eq!(counts(&server.sync(&claire, "").await, &room_id), (0, 0));
    assert_eq!(counts(&server.sync(&samir, "").await, &room_id), (1, 0));
}

#[tokio::test]
async fn a_message_that_was_taken_back_is_not_unread() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut client = Client::start(&server, &claire).await;
    let event_id = mention(&server, &samir, &room_id, &claire).await;
    assert_eq!(counts(&client.sync().await, &room_id), (1, 1));
    let path = format!("{V3}/rooms/{room_id}/redact/{event_id}/t1");
    server.put(&samir, &path, json!({})).await.ok();
    assert_eq!(counts(&client.sync().await, &room_id), (0, 0));
}

#[tokio::test]
async fn threads_are_counted_and_read_by_themselves() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let by_thread =
        filter(&json!({ "room": { "timeline": { "unread_thread_notifications": true } } }));
    let (mut client, _) = Client::start_with(&server, &claire, &by_thread).await;
    let mut simple = Client::start(&server, &claire).await;
    let root = server.write(&samir, &room_id, "racine").await;
    let first = write_in(&server, &samir, &room_id, &root, "fil1").await;
    let second = write_in(&server, &samir, &room_id, &root, "fil2").await;

    let of_thread = |answer: &Value| {
        let counts = &answer["rooms"]["join"][&room_id]["unread_thread_notifications"][&root];
        (!counts.is_null()).then(|| counts_in(counts))
    };
    let answer = client.sync().await;
    assert_eq!(counts(&answer, &room_id), (1, 0));
    assert_eq!(of_thread(&answer), Some((2, 0)));
    assert_eq!(counts(&simple.sync().await, &room_id), (3, 0));

    let in_thread = json!({ "thread_id": root });
    server.read_in(&claire, &room_id, &first, "m.read", in_thread).await;
    let answer = client.sync().await;
    assert_eq!((counts(&answer, &room_id), of_thread(&answer)), ((1, 0), Some((1, 0))));
    let main = json!({ "thread_id": "main" });
    server.read_in(&claire, &room_id, &root, "m.read.private", main).await;
    let answer = client.sync().await;
    assert_eq!((counts(&answer, &room_id), of_thread(&answer)), ((0, 0), Some((1, 0))));
    // Without a thread it stands for all of them.
    server.read(&claire, &room_id, &second, "m.read").await;
    let answer = client.sync().await;
    assert_eq!((counts(&answer, &room_id), of_thread(&answer)), ((0, 0), None));
    assert_eq!(counts(&simple.sync().await, &room_id), (0, 0));
}

#[tokio::test]
async fn a_muted_room_is_never_unread() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    server.write(&samir, &room_id, "un").await;
    let mut client = Client::start(&server, &claire).await;
    let path = format!("{V3}/pushrules/global/override/{room_id}");
    let rule = json!({
        "actions": [],
        "conditions": [{ "kind": "event_match", "key": "room_id", "pattern": room_id }],
    });
    let answer = client.wait_for(server.put(&claire, &path, rule)).await;
    assert_eq!(answer["account_data"]["events"][0]["type"], "m.push_rules");
    server.write(&samir, &room_id, "deux").await;
    assert_eq!(counts(&client.sync().await, &room_id), (0, 0));
    server.delete(&claire, &path).await.ok();
    server.write(&samir, &room_id, "trois").await;
    assert_eq!(counts(&client.sync().await, &room_id), (3, 0));
}

#[tokio::test]
async fn what_was_said_before_one_came_is_not_unread() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire]).await;
    server.write(&claire, &room_id, "avant").await;
    server.join(&samir, &room_id).await;
    let mut client = Client::start(&server, &samir).await;
    assert_eq!(counts(&server.sync(&samir, "").await, &room_id), (0, 0));
    server.write(&claire, &room_id, "apres").await;
    assert_eq!(counts(&client.sync().await, &room_id), (1, 0));
    assert!(!has_news(&client.sync().await));
}

#[tokio::test]
async fn only_who_may_notify_the_room_highlights_it() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let awa = server.sign_up("awa").await;
    server.join(&awa, &room_id).await;
    let everybody = json!({ "msgtype": "m.text", "body": "tous", "m.mentions": { "room": true } });
    let mut client = Client::start(&server, &awa).await;
    server.write_content(&samir, &room_id, "t1", everybody.clone()).await;
    assert_eq!(counts(&client.sync().await, &room_id), (1, 0));
    server.write_content(&claire, &room_id, "t2", everybody).await;
    assert_eq!(counts(&client.sync().await, &room_id), (2, 1));
}

/// Who ignores somebody would still see that there is something new from them, and not find it.
#[tokio::test]
async fn what_ignored_people_write_does_not_count() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let hugo = server.sign_up("hugo").await;
    let room_id = server.room_of(&[&claire, &samir, &hugo]).await;
    let mut client = Client::start(&server, &claire).await;
    server.write(&samir, &room_id, "one").await;
    mention(&server, &samir, &room_id, &claire).await;
    server.write(&hugo, &room_id, "two").await;
    assert_eq!(counts(&client.sync().await, &room_id), (3, 1));

    let path = format!("{V3}/user/{}/account_data/m.ignored_user_list", claire.user_id);
    let ignored = json!({ "ignored_users": { &samir.user_id: {} } });
    server.put(&claire, &path, ignored).await.ok();
    server.write(&hugo, &room_id, "three").await;
    assert_eq!(counts(&client.sync().await, &room_id), (2, 0));
    let list = json!({ "ranges": [[0, 9]], "timeline_limit": 1, "required_state": [] });
    let body = json!({ "lists": { "rooms": list } });
    let sliding = server.post(&claire, crate::sliding_sync::SLIDING, body).await.ok();
    assert_eq!(sliding["rooms"][&room_id]["notification_count"], 2);
    assert_eq!(sliding["rooms"][&room_id]["highlight_count"], 0);

    server.put(&claire, &path, json!({ "ignored_users": {} })).await.ok();
    server.write(&hugo, &room_id, "four").await;
    assert_eq!(counts(&client.sync().await, &room_id), (5, 1));
}
