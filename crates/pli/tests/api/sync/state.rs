//! What a client is told of a room's state, and of who is in it.

use serde_json::{Value, json};

use super::{Client, filter, keys, texts};
use crate::support::TestServer;

fn content<'a>(events: &'a Value, event_type: &str) -> Option<&'a Value> {
    let events = events.as_array()?;
    events.iter().find(|event| event["type"] == event_type).map(|event| &event["content"])
}

#[tokio::test]
async fn state_that_changed_in_a_gap_is_told() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let (mut before, _) = Client::start_with(&server, &samir, "").await;
    let (mut after, _) = Client::start_with(&server, &samir, "&use_state_after=true").await;
    server.name_room(&claire, &room_id, "dans-le-trou").await;
    for number in 0..20 {
        server.write(&claire, &room_id, &format!("n{number}")).await;
    }
    server.set_state(&claire, &room_id, "m.room.topic", json!({ "topic": "visible" })).await;

    let answer = before.sync().await;
    let room = &answer["rooms"]["join"][&room_id];
    assert_eq!(room["timeline"]["limited"], true);
    assert_eq!(keys(&room["state"]["events"]), [("m.room.name", "")]);
    assert!(room["state_after"].is_null());

    let answer = after.sync().await;
    let room = &answer["rooms"]["join"][&room_id];
    assert!(room["state"].is_null());
    let mut state = keys(&room["state_after"]["events"]);
    state.sort_unstable();
    assert_eq!(state, [("m.room.name", ""), ("m.room.topic", "")]);
    // Also without a gap, and present even when nothing changed.
    server.name_room(&claire, &room_id, "encore").await;
    let answer = after.sync().await;
    let room = &answer["rooms"]["join"][&room_id];
    assert_eq!(keys(&room["state_after"]["events"]), [("m.room.name", "")]);
    server.write(&claire, &room_id, "rien").await;
    let answer = after.sync().await;
    assert_eq!(answer["rooms"]["join"][&room_id]["state_after"], json!({}));
}

#[tokio::test]
async fn state_that_a_filter_keeps_out_of_the_timeline_is_told_all_the_same() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let only_messages = json!({ "room": { "timeline": { "types": ["m.room.message"] } } });
    let (mut client, initial) = Client::start_with(&server, &claire, &filter(&only_messages)).await;
    let state = &initial["rooms"]["join"][&room_id]["state"]["events"];
    assert!(content(state, "m.room.create").is_some());
    server.write(&claire, &room_id, "un").await;
    server.name_room(&claire, &room_id, "Nouveau").await;
    let answer = client.sync().await;
    let room = &answer["rooms"]["join"][&room_id];
    assert_eq!(texts(&room["timeline"]["events"]), ["un"]);
    assert_eq!(content(&room["state"]["events"], "m.room.name").unwrap()["name"], "Nouveau");
}

#[tokio::test]
async fn full_state_tells_all_of_it_without_repeating_the_timeline() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    server.name_room(&claire, &room_id, "Cantine").await;
    let mut client = Client::start(&server, &samir).await;
    client.parameters = "&full_state=true".to_owned();
    let answer = client.sync().await;
    let room = &answer["rooms"]["join"][&room_id];
    assert!(room["timeline"]["events"].as_array().is_none_or(Vec::is_empty), "{room}");
    let state = keys(&room["state"]["events"]);
    assert!(state.contains(&("m.room.name", "")), "{state:?}");
    assert!(state.contains(&("m.room.create", "")), "{state:?}");
    assert!(state.contains(&("m.room.member", &claire.user_id)), "{state:?}");
    assert!(content(&answer["account_data"]["events"], "m.push_rules").is_some());
}

#[tokio::test]
async fn counts_and_heroes_come_when_they_change() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let (mut client, initial) = Client::start_with(&server, &claire, "").await;
    let summary = &initial["rooms"]["join"][&room_id]["summary"];
    assert_eq!(summary["m.heroes"], json!([samir.user_id]));
    assert_eq!(summary["m.joined_member_count"], 2);
    assert_eq!(summary["m.invited_member_count"], 0);

    server.act(&claire, &room_id, "invite", Some(&awa)).await;
    let answer = client.sync().await;
    let summary = &answer["rooms"]["join"][&room_id]["summary"];
    assert_eq!(summary["m.joined_member_count"], 2);
    assert_eq!(summary["m.invited_member_count"], 1);
    assert_eq!(summary["m.heroes"], json!([samir.user_id, awa.user_id]));

    // A room with a name needs no heroes; once the name is gone, it does again.
    server.name_room(&claire, &room_id, "Cantine").await;
    client.sync().await;
    server.name_room(&claire, &room_id, "").await;
    let answer = client.sync().await;
    let summary = &answer["rooms"]["join"][&room_id]["summary"];
    assert_eq!(summary["m.heroes"], json!([samir.user_id, awa.user_id]));

    server.write(&samir, &room_id, "un").await;
    let answer = client.sync().await;
    let summary = &answer["rooms"]["join"][&room_id]["summary"];
    assert!(summary.as_object().is_none_or(serde_json::Map::is_empty), "{summary}");
}
