//! Coming into rooms, going out of them, and what is seen from outside.

use serde_json::{Value, json};

use super::{Client, filter, has_news, keys, members, texts};
use crate::support::TestServer;

fn left<'a>(answer: &'a Value, room_id: &str) -> &'a Value {
    let room = &answer["rooms"]["leave"][room_id];
    assert!(room.is_object(), "not told that the room was left: {answer}");
    assert!(answer["rooms"]["join"][room_id].is_null());
    room
}

#[tokio::test]
async fn whoever_is_out_learns_nothing_of_what_follows() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    for (by, action) in [(&claire, "kick"), (&claire, "ban"), (&samir, "leave")] {
        for after in ["", "&use_state_after=true"] {
            let room_id = server.room_of(&[&claire, &samir]).await;
            let (mut client, _) = Client::start_with(&server, &samir, after).await;
            server.write(&claire, &room_id, "avant").await;
            server.name_room(&claire, &room_id, "Avant").await;
            let target = (action != "leave").then_some(&samir);
            server.act(by, &room_id, action, target).await;
            server.write(&claire, &room_id, "secret").await;
            server.name_room(&claire, &room_id, "Secret").await;

            let answer = client.sync().await;
            assert!(!answer.to_string().to_lowercase().contains("secret"), "{answer}");
            let room = left(&answer, &room_id);
            assert_eq!(texts(&room["timeline"]["events"]), ["avant"]);
            let events = room["timeline"]["events"].as_array().unwrap();
            assert_eq!(events.last().unwrap()["state_key"], samir.user_id);
            if !after.is_empty() {
                let state = keys(&room["state_after"]["events"]);
                assert!(state.contains(&("m.room.member", &samir.user_id)), "{state:?}");
                assert!(state.contains(&("m.room.name", "")), "{state:?}");
            }
            server.write(&claire, &room_id, "secret2").await;
            assert!(!has_news(&client.sync().await));
            assert!(server.sync(&samir, "").await["rooms"]["join"][&room_id].is_null());
        }
    }
}

#[tokio::test]
async fn a_ban_after_leaving_is_told_without_what_happened_between() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    server.act(&samir, &room_id, "leave", None).await;
    let (mut client, _) = Client::start_with(&server, &samir, "&use_state_after=true").await;
    server.write(&claire, &room_id, "secret").await;
    server.name_room(&claire, &room_id, "secret").await;
    server.act(&claire, &room_id, "ban", Some(&samir)).await;
    let answer = client.sync().await;
    assert!(!answer.to_string().contains("secret"), "{answer}");
    let room = left(&answer, &room_id);
    assert_eq!(room["timeline"]["events"][0]["content"]["membership"], "ban");
    assert_eq!(members(&room["state_after"]["events"]), [&samir.user_id]);
}

#[tokio::test]
async fn an_invitation_that_is_declined_is_gone_on_all_devices() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let phone = server.sign_in("samir").await;
    let room_id = server.create_room(&claire, json!({ "name": "secret" })).await;
    for after in ["", "&use_state_after=true"] {
        server.act(&claire, &room_id, "invite", Some(&samir)).await;
        let (mut client, initial) = Client::start_with(&server, &samir, after).await;
        assert!(initial["rooms"]["invite"][&room_id].is_object());
        let answer = client.wait_for(server.act(&phone, &room_id, "leave", None)).await;
        let room = left(&answer, &room_id);
        let own = &room["timeline"]["events"][0];
        assert_eq!(own["state_key"], samir.user_id);
        assert_eq!(own["content"]["membership"], "leave");
        assert_eq!(room["timeline"]["events"].as_array().unwrap().len(), 1);
        assert!(room["state"].is_null());
    }
}

#[tokio::test]
async fn left_rooms_come_first_only_if_asked_for_and_never_once_forgotten() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let phone = server.sign_in("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut waiting = Client::start(&server, &phone).await;
    server.write(&claire, &room_id, "avant").await;
    server.act(&samir, &room_id, "leave", None).await;
    server.write(&claire, &room_id, "secret").await;
    let with_left = filter(&json!({ "room": { "include_leave": true } }));
    assert!(server.sync(&samir, "").await["rooms"]["leave"].is_null());
    let (_, initial) = Client::start_with(&server, &samir, &with_left).await;
    let room = left(&initial, &room_id);
    assert!(texts(&room["timeline"]["events"]).contains(&"avant"));
    assert!(!initial.to_string().contains("secret"));

    server.act(&samir, &room_id, "forget", None).await;
    let (_, initial) = Client::start_with(&server, &samir, &with_left).await;
    assert!(initial["rooms"].is_null(), "{initial}");
    // A device that was away meanwhile must not go on believing that it is in the room.
    let answer = waiting.sync().await;
    let room = left(&answer, &room_id);
    assert!(texts(&room["timeline"]["events"]).is_empty());
    assert_eq!(room["timeline"]["events"][0]["content"]["membership"], "leave");
}

#[tokio::test]
async fn whoever_comes_back_is_told_the_room_anew() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut client = Client::start(&server, &samir).await;
    let mut away = Client::start(&server, &samir).await;
    server.act(&samir, &room_id, "leave", None).await;
    client.sync().await;
    server.name_room(&claire, &room_id, "Nouveau").await;
    server.write(&claire, &room_id, "entre").await;
    server.join(&samir, &room_id).await;
    server.write(&claire, &room_id, "apres").await;
    for client in [&mut client, &mut away] {
        let answer = client.sync().await;
        let room = &answer["rooms"]["join"][&room_id];
        assert!(answer["rooms"]["leave"].is_null(), "{answer}");
        let mut state = keys(&room["state"]["events"]);
        state.extend(keys(&room["timeline"]["events"]));
        assert!(state.contains(&("m.room.name", "")), "{state:?}");
        assert!(state.contains(&("m.room.create", "")), "{state:?}");
        assert_eq!(texts(&room["timeline"]["events"]), ["entre", "apres"]);
        assert_eq!(room["summary"]["m.joined_member_count"], 2);
    }
}

#[tokio::test]
async fn an_invitation_accepted_between_two_syncs_is_a_new_room() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let mut client = Client::start(&server, &samir).await;
    let room_id = server.create_room(&claire, json!({ "invite": [samir.user_id] })).await;
    server.join(&samir, &room_id).await;
    let answer = client.sync().await;
    assert!(answer["rooms"]["invite"].is_null());
    let room = &answer["rooms"]["join"][&room_id];
    let mut all = keys(&room["state"]["events"]);
    all.extend(keys(&room["timeline"]["events"]));
    assert!(all.contains(&("m.room.create", "")), "{all:?}");
    assert!(!has_news(&client.sync().await));
}

#[tokio::test]
async fn a_knock_is_told_to_whoever_knocked() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let phone = server.sign_in("samir").await;
    let body = json!({
        "name": "Cabinet",
        "initial_state": [{ "type": "m.room.join_rules", "content": { "join_rule": "knock" } }],
    });
    let room_id = server.create_room(&claire, body).await;
    let mut client = Client::start(&server, &samir).await;
    let path = format!("{}/knock/{room_id}", super::V3);
    let sections = async {
        server.get(&samir, &format!("{}/account/whoami", super::V3)).await.ok();
        server.post(&phone, &path, json!({})).await.ok();
    };
    let since = client.since.clone();
    let waiting = format!("{}/sync?timeout=30000&since={since}", super::V3);
    let (answer, ()) = tokio::join!(server.get(&samir, &waiting), sections);
    let answer = answer.ok();
    let events = &answer["rooms"]["knock"][&room_id]["knock_state"]["events"];
    assert!(keys(events).contains(&("m.room.name", "")), "{answer}");
    assert!(keys(events).contains(&("m.room.member", &samir.user_id)), "{answer}");
    client.sync().await;
    let answer = client.wait_for(server.act(&phone, &room_id, "leave", None)).await;
    left(&answer, &room_id);
}
