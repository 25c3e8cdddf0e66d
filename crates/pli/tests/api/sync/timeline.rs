//! Which events a client is told, in which order, and how it gets at the others.

use serde_json::json;

use super::{Client, V3, filter, has_news, keys, texts};
use crate::support::TestServer;

#[tokio::test]
async fn a_first_sync_tells_a_room_once_and_whole() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    for number in 0..30 {
        server.write(&claire, &room_id, &format!("n{number}")).await;
    }
    let limit = filter(&json!({ "room": { "timeline": { "limit": 8 } } }));
    let (_, initial) = Client::start_with(&server, &claire, &limit).await;
    let room = &initial["rooms"]["join"][&room_id];
    let expected: Vec<String> = (22..30).map(|number| format!("n{number}")).collect();
    assert_eq!(texts(&room["timeline"]["events"]), expected);
    assert_eq!(room["timeline"]["limited"], true);
    let state = keys(&room["state"]["events"]);
    assert!(state.contains(&("m.room.create", "")), "{state:?}");
    assert!(state.contains(&("m.room.member", &claire.user_id)), "{state:?}");
    assert!(room["timeline"]["events"][0]["room_id"].is_null());

    // Paging back from there leaves nothing out and brings nothing twice.
    let mut older = Vec::new();
    let mut from = room["timeline"]["prev_batch"].as_str().map(ToOwned::to_owned);
    while let Some(token) = from {
        let path = format!("{V3}/rooms/{room_id}/messages?dir=b&limit=7&from={token}");
        let page = server.get(&claire, &path).await.ok();
        older.extend(texts(&page["chunk"]).into_iter().map(ToOwned::to_owned));
        from = page["end"].as_str().map(ToOwned::to_owned);
    }
    let expected: Vec<String> = (0..22).rev().map(|number| format!("n{number}")).collect();
    assert_eq!(older, expected);
}

#[tokio::test]
async fn state_in_the_timeline_is_not_told_twice() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let (_, initial) = Client::start_with(&server, &claire, "").await;
    let room = &initial["rooms"]["join"][&room_id];
    let mut all = keys(&room["state"]["events"]);
    all.extend(keys(&room["timeline"]["events"]));
    let mut once = all.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(all.len(), once.len(), "{all:?}");
    assert!(all.contains(&("m.room.create", "")));
    assert!(room["timeline"]["limited"].as_bool() != Some(true));
}

#[tokio::test]
async fn later_syncs_bring_what_is_new_and_nothing_else() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let quiet = server.room_of(&[&claire]).await;
    let mut client = Client::start(&server, &claire).await;

    let before = client.since.clone();
    let nothing = client.sync().await;
    assert!(!has_news(&nothing), "{nothing}");
    assert_eq!(client.since, before);

    server.write(&samir, &room_id, "un").await;
    server.write(&samir, &room_id, "deux").await;
    let answer = client.sync().await;
    let room = &answer["rooms"]["join"][&room_id];
    assert_eq!(texts(&room["timeline"]["events"]), ["un", "deux"]);
    assert_ne!(room["timeline"]["limited"], true);
    assert!(room["state"].is_null(), "{room}");
    assert!(room["summary"].as_object().is_none_or(serde_json::Map::is_empty), "{room}");
    assert!(answer["rooms"]["join"][&quiet].is_null());
    assert!(answer["account_data"].is_null());
    assert!(!has_news(&client.sync().await));

    // The same token again brings the same again: the answer may have been lost.
    let answer = server.sync(&claire, &before).await;
    let room = &answer["rooms"]["join"][&room_id];
    assert_eq!(texts(&room["timeline"]["events"]), ["un", "deux"]);
}

#[tokio::test]
async fn a_gap_is_said_and_can_be_filled() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut client = Client::start(&server, &claire).await;
    let since = client.since.clone();
    for number in 0..25 {
        server.write(&samir, &room_id, &format!("n{number}")).await;
    }
    let answer = client.sync().await;
    let timeline = &answer["rooms"]["join"][&room_id]["timeline"];
    assert_eq!(timeline["limited"], true);
    assert_eq!(texts(&timeline["events"]).len(), 20);
    assert_eq!(texts(&timeline["events"])[0], "n5");
    let from = timeline["prev_batch"].as_str().unwrap();
    let path = format!("{V3}/rooms/{room_id}/messages?dir=b&limit=50&from={from}&to={since}");
    let page = server.get(&claire, &path).await.ok();
    assert_eq!(texts(&page["chunk"]), ["n4", "n3", "n2", "n1", "n0"]);
}

#[tokio::test]
async fn only_the_sending_device_learns_its_transaction_id() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let phone = server.sign_in("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let mut client = Client::start(&server, &claire).await;
    let mut other = Client::start(&server, &phone).await;
    server.write(&claire, &room_id, "un").await;
    let of = |answer: &serde_json::Value| {
        answer["rooms"]["join"][&room_id]["timeline"]["events"][0]["unsigned"]["transaction_id"]
            .clone()
    };
    assert_eq!(of(&client.sync().await), "un");
    assert!(of(&other.sync().await).is_null());
}
