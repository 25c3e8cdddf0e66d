//! Who is there: what people in the same room see of each other, and nobody else.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    support::{Person, TestServer},
    sync::{Client, V3},
};

async fn start() -> TestServer {
    TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\npresence.enabled = true",
    )
    .await
}

async fn set(server: &TestServer, person: &Person, body: Value) {
    server.put(person, &path_of(person), body).await.ok();
}

fn path_of(person: &Person) -> String {
    format!("{V3}/presence/{}/status", person.user_id)
}

/// What an answer says of somebody's presence; `None` if nothing. Panics if it says it twice.
fn told(answer: &Value, person: &Person) -> Option<Value> {
    let events = answer["presence"]["events"].as_array()?;
    let mut of_person = events.iter().filter(|event| event["sender"] == *person.user_id);
    let found = of_person.next().cloned();
    assert!(of_person.next().is_none(), "twice: {answer}");
    found.inspect(|event| assert_eq!(event["type"], "m.presence"))
}

/// Syncs until somebody's presence is told.
async fn wait_for(client: &mut Client<'_>, person: &Person) -> Value {
    loop {
        let path = format!("{V3}/sync?timeout=30000&since={}{}", client.since, client.parameters);
        let answer = client.server.get(&client.person, &path).await.ok();
        answer["next_batch"].as_str().unwrap().clone_into(&mut client.since);
        if let Some(event) = told(&answer, person) {
            return event["content"].clone();
        }
    }
}

#[tokio::test]
async fn people_in_a_room_see_each_other_come_fall_idle_and_go() {
    let server = start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    server.room_of(&[&claire, &samir]).await;
    let mut client = Client::start(&server, &claire).await;

    set(&server, &samir, json!({ "presence": "online", "status_msg": "Au bureau" })).await;
    let content = wait_for(&mut client, &samir).await;
    assert_eq!(content["presence"], "online");
    assert_eq!(content["status_msg"], "Au bureau");
    assert_eq!(content["currently_active"], true);
    assert_eq!(content["last_active_ago"], 0);

    set(&server, &samir, json!({ "presence": "unavailable" })).await;
    let content = wait_for(&mut client, &samir).await;
    assert_eq!(content["presence"], "unavailable");
    assert!(content.get("status_msg").is_none());

    // A client that syncs keeps its user there, and says how they want to be seen.
    let path = format!("{V3}/sync?set_presence=online");
    server.get(&samir, &path).await.ok();
    assert_eq!(wait_for(&mut client, &samir).await["presence"], "online");
    server.clock.advance(Duration::from_secs(31));
    assert_eq!(wait_for(&mut client, &samir).await["presence"], "offline");
    let now = server.get(&claire, &path_of(&samir)).await.ok();
    assert_eq!(now["presence"], "offline");
    assert_eq!(now["last_active_ago"], 31_000);
}

#[tokio::test]
async fn who_does_nothing_for_five_minutes_is_idle_until_they_do_something() {
    let server = start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut client = Client::start(&server, &claire).await;
    let samirs = Client::start(&server, &samir).await;
    assert_eq!(wait_for(&mut client, &samir).await["presence"], "online");

    // He goes on syncing meanwhile.
    let path = format!("{V3}/sync?timeout=30000&since={}", samirs.since);
    let idle = async {
        server.get(&claire, &format!("{V3}/account/whoami")).await.ok();
        server.clock.advance(Duration::from_secs(5 * 60 + 1));
        assert_eq!(wait_for(&mut client, &samir).await["presence"], "unavailable");
        server.write(&samir, &room_id, "me revoilà").await;
        assert_eq!(wait_for(&mut client, &samir).await["presence"], "online");
    };
    tokio::join!(server.get(&samir, &path), idle);
}

#[tokio::test]
async fn who_wants_to_be_seen_offline_is_not_seen() {
    let server = start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    server.room_of(&[&claire, &samir]).await;
    server.get(&samir, &format!("{V3}/sync?set_presence=offline")).await.ok();
    let now = server.get(&claire, &path_of(&samir)).await.ok();
    assert_eq!(now, json!({ "presence": "offline" }));
}

#[tokio::test]
async fn coming_into_a_room_shows_who_is_there_and_shows_the_newcomer() {
    let server = start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    let mut claires = Client::start(&server, &claire).await;
    set(&server, &samir, json!({ "presence": "online" })).await;
    let (mut samirs, initial) = Client::start_with(&server, &samir, "").await;
    assert_eq!(told(&initial, &claire), None);

    server.join(&samir, &room_id).await;
    let answer = samirs.sync().await;
    assert!(told(&answer, &claire).is_some(), "{answer}");
    assert_eq!(told(&answer, &samir), None);
    assert_eq!(told(&samirs.sync().await, &claire), None);
    let answer = claires.sync().await;
    assert_eq!(told(&answer, &samir).unwrap()["content"]["presence"], "online");

    // Once more in another room, although they share one already.
    let other = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    claires.sync().await;
    server.join(&samir, &other).await;
    let answer = claires.sync().await;
    assert!(told(&answer, &samir).is_some(), "{answer}");
    assert_eq!(told(&claires.sync().await, &samir), None);

    let initial = server.sync(&claire, "").await;
    assert!(told(&initial, &samir).is_some(), "{initial}");
}

#[tokio::test]
async fn strangers_see_nothing() {
    let server = start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let mut client = Client::start(&server, &claire).await;
    set(&server, &samir, json!({ "presence": "online" })).await;
    assert_eq!(told(&client.sync().await, &samir), None);
    server.get(&claire, &path_of(&samir)).await.refused(403, "M_FORBIDDEN");
    assert_eq!(server.get(&samir, &path_of(&samir)).await.ok()["presence"], "online");

    let body = json!({ "presence": "offline" });
    server.put(&claire, &path_of(&samir), body).await.refused(403, "M_FORBIDDEN");
    let odd = json!({ "presence": "dancing" });
    server.put(&samir, &path_of(&samir), odd).await.refused(400, "M_INVALID_PARAM");
    let odd = json!({ "presence": "online", "status_msg": 7 });
    server.put(&samir, &path_of(&samir), odd).await.refused(400, "M_BAD_JSON");
    server.put(&samir, &path_of(&samir), json!({})).await.refused(400, "M_BAD_JSON");
    let long = json!({ "presence": "online", "status_msg": "x".repeat(3_000) });
    server.put(&samir, &path_of(&samir), long).await.refused(400, "M_INVALID_PARAM");
    assert_eq!(server.get(&samir, &path_of(&samir)).await.ok()["presence"], "online");
}

#[tokio::test]
async fn a_status_message_outlives_the_server() {
    let mut server =
        TestServer::start_with("registration.mode = \"open\"\npresence.enabled = true").await;
    let claire = server.sign_up("claire").await;
    set(&server, &claire, json!({ "presence": "online", "status_msg": "En réunion" })).await;
    server.restart().await;
    let now = server.get(&claire, &path_of(&claire)).await.ok();
    assert_eq!(now["presence"], "offline");
    assert_eq!(now["status_msg"], "En réunion");
}

#[tokio::test]
async fn a_filter_keeps_presence_away() {
    let server = start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    server.room_of(&[&claire, &samir]).await;
    set(&server, &samir, json!({ "presence": "online" })).await;
    let filter = crate::sync::filter(&json!({ "presence": { "not_types": ["m.presence"] } }));
    let (_, initial) = Client::start_with(&server, &claire, &filter).await;
    assert_eq!(told(&initial, &samir), None);
    let filter = crate::sync::filter(&json!({ "presence": { "not_senders": [samir.user_id] } }));
    let (_, initial) = Client::start_with(&server, &claire, &filter).await;
    assert_eq!(told(&initial, &samir), None);
}

#[tokio::test]
async fn where_it_is_off_everybody_is_offline() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    server.room_of(&[&claire, &samir]).await;
    set(&server, &samir, json!({ "presence": "online" })).await;
    let now = server.get(&claire, &path_of(&samir)).await.ok();
    assert_eq!(now, json!({ "presence": "offline" }));
    assert_eq!(told(&server.sync(&claire, "").await, &samir), None);
}
