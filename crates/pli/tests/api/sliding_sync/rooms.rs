//! What is told of a room.

use serde_json::json;

use super::{Connection, ids, list, told};
use crate::{
    support::TestServer,
    sync::{keys, members, texts},
};

#[tokio::test]
async fn an_open_room_is_told_wherever_it_stands_and_a_strangers_room_never() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let opened = server.create_room(&claire, json!({ "name": "Ouverte" })).await;
    server.create_room(&claire, json!({})).await;
    let strange = server.create_room(&samir, json!({ "name": "Secret" })).await;
    let config = json!({ "timeline_limit": 20, "required_state": [["*", "*"]] });
    let body = json!({
        "lists": { "rooms": list(0, 0) },
        "room_subscriptions": {
            opened.clone(): config, strange.clone(): config, "!none:pli.test": config,
        },
    });
    let mut connection = Connection::new(&server, &claire, body);
    let answer = connection.sync().await;
    assert!(answer["rooms"][&strange].is_null() && answer["rooms"]["!none:pli.test"].is_null());
    let room = &answer["rooms"][&opened];
    assert!(room["lists"].is_null(), "{room}");
    assert!(keys(&room["required_state"]).contains(&("m.room.power_levels", "")));
    assert_eq!(room["limited"], json!(null), "all of it fits");

    let answer = connection.wait_for(server.write(&claire, &opened, "bonjour")).await;
    assert_eq!(texts(&answer["rooms"][&opened]["timeline"]), ["bonjour"]);
    assert_eq!(answer["rooms"][&opened]["num_live"], 1);
}

#[tokio::test]
async fn a_longer_timeline_is_told_at_once() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    for text in ["a", "b", "c"] {
        server.write(&claire, &room_id, text).await;
    }
    let mut connection = Connection::window(&server, &claire, 0, 9);
    assert_eq!(texts(&connection.sync().await["rooms"][&room_id]["timeline"]), ["c"]);
    connection.body["lists"]["rooms"]["timeline_limit"] = json!(3);
    let answer = connection.sync().await;
    let room = &answer["rooms"][&room_id];
    assert_eq!(texts(&room["timeline"]), ["a", "b", "c"]);
    assert_eq!(room["unstable_expanded_timeline"], true);
    assert_eq!(room["expanded_timeline"], true);
    assert_eq!((room["num_live"].as_u64(), room["limited"].as_bool()), (Some(0), Some(true)));
    assert!(room["initial"].is_null());
    assert!(told(&connection.sync().await).is_empty());
}

#[tokio::test]
async fn an_app_pages_back_from_where_its_timeline_begins() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    for text in ["a", "b", "c"] {
        server.write(&claire, &room_id, text).await;
    }
    let mut connection = Connection::window(&server, &claire, 0, 9);
    let answer = connection.sync().await;
    let before = answer["rooms"][&room_id]["prev_batch"].as_str().unwrap();
    for (from, newest) in [(before, "b"), (answer["pos"].as_str().unwrap(), "c")] {
        let path = format!("/_matrix/client/v3/rooms/{room_id}/messages?dir=b&limit=1&from={from}");
        assert_eq!(texts(&server.get(&claire, &path).await.ok()["chunk"]), [newest]);
    }
}

#[tokio::test]
async fn each_way_to_name_state_brings_that_state() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let hugo = server.sign_up("hugo").await;
    let room_id = server.room_of(&[&claire, &samir, &hugo]).await;
    server.set_state(&claire, &room_id, "m.room.topic", json!({ "topic": "t" })).await;
    server.write(&samir, &room_id, "bonjour").await;
    let me = ("m.room.member", &*claire.user_id);
    let sender = ("m.room.member", &*samir.user_id);
    let other = ("m.room.member", &*hugo.user_id);
    let topic = ("m.room.topic", "");
    let create = ("m.room.create", "");

    let cases = [
        (json!([["m.room.topic", ""]]), vec![topic], vec![me, create]),
        (json!([["m.room.topic", "*"]]), vec![topic], vec![me, create]),
        (json!([["m.room.member", "$ME"]]), vec![me], vec![sender, topic]),
        (json!([["m.room.member", "$LAZY"]]), vec![sender], vec![me, other, topic]),
        (json!([["m.room.member", "*"]]), vec![me, sender, other], vec![topic]),
        (json!([["*", ""]]), vec![topic, create], vec![me]),
        (json!([["*", "*"]]), vec![topic, create, me, other], vec![]),
        (
            json!([["*", "*"], ["m.room.member", "$LAZY"], ["m.room.member", "$ME"]]),
            vec![topic, create, me, sender],
            vec![other],
        ),
        (json!({ "include": [{}] }), vec![topic, create, me, other], vec![]),
        (json!({ "include": [{}], "lazy_members": true }), vec![topic, sender], vec![me, other]),
        (
            json!({ "include": [{}], "exclude": [{ "type": "m.room.create" }] }),
            vec![topic, me],
            vec![create],
        ),
        (json!({ "include": [{ "type": "m.room.topic" }] }), vec![topic], vec![create]),
        (json!({ "include": [{ "state_key": hugo.user_id }] }), vec![other], vec![me, topic]),
        (json!({}), vec![], vec![topic, create, me]),
    ];
    for (required_state, with, without) in cases {
        let mut list = list(0, 9);
        list["required_state"] = required_state.clone();
        let body = json!({ "lists": { "rooms": list } });
        let answer = Connection::new(&server, &claire, body).sync().await;
        let state = keys(&answer["rooms"][&room_id]["required_state"]);
        for key in with {
            assert!(state.contains(&key), "{required_state}: {key:?} not in {state:?}");
        }
        for key in without {
            assert!(!state.contains(&key), "{required_state}: {key:?} in {state:?}");
        }
    }
}

#[tokio::test]
async fn state_that_is_asked_for_later_comes_then_and_changes_come_once() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({ "name": "Avant", "topic": "t" })).await;
    let mut connection = Connection::window(&server, &claire, 0, 9);
    connection.sync().await;
    connection.body["lists"]["rooms"]["required_state"] =
        json!([["m.room.name", ""], ["m.room.topic", ""]]);
    let answer = connection.sync().await;
    assert_eq!(keys(&answer["rooms"][&room_id]["required_state"]), [("m.room.topic", "")]);

    let answer = connection.wait_for(server.name_room(&claire, &room_id, "Après")).await;
    let room = &answer["rooms"][&room_id];
    assert_eq!(room["name"], "Après");
    assert_eq!(keys(&room["required_state"]), [("m.room.name", "")]);
    let unnamed = server.set_state(&claire, &room_id, "m.room.name", json!({}));
    let answer = connection.wait_for(unnamed).await;
    let room = answer["rooms"][&room_id].as_object().unwrap();
    assert_eq!(room.get("name"), Some(&json!(null)));
}

#[tokio::test]
async fn members_who_write_are_told_once() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    server.write(&claire, &room_id, "a").await;
    let mut connection = Connection::window(&server, &claire, 0, 9);
    connection.body["lists"]["rooms"]["required_state"] = json!([["m.room.member", "$LAZY"]]);
    let answer = connection.sync().await;
    assert_eq!(
        members(&answer["rooms"][&room_id]["required_state"]),
        std::slice::from_ref(&claire.user_id)
    );
    let answer = connection.wait_for(server.write(&samir, &room_id, "b")).await;
    assert_eq!(
        members(&answer["rooms"][&room_id]["required_state"]),
        std::slice::from_ref(&samir.user_id)
    );
    let answer = connection.wait_for(server.write(&samir, &room_id, "c")).await;
    assert!(answer["rooms"][&room_id]["required_state"].is_null());

    let hugo = server.sign_up("hugo").await;
    let answer = connection.wait_for(server.join(&hugo, &room_id)).await;
    let room = &answer["rooms"][&room_id];
    assert_eq!(members(&room["required_state"]), std::slice::from_ref(&hugo.user_id));
    assert_eq!(room["joined_count"], 3);
}

#[tokio::test]
async fn a_room_without_a_name_is_called_after_its_people() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let answer = Connection::window(&server, &claire, 0, 9).sync().await;
    let heroes = answer["rooms"][&room_id]["heroes"].as_array().unwrap();
    assert_eq!(heroes.len(), 1);
    assert_eq!(heroes[0]["user_id"], samir.user_id);
    assert_eq!(heroes[0]["displayname"], "samir");
}

#[tokio::test]
async fn an_invitation_shows_what_it_is_for_and_nothing_else() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let mut connection = Connection::window(&server, &samir, 0, 9);
    connection.sync().await;
    let room_id = server.create_room(&claire, json!({ "name": "Viens" })).await;
    server.write(&claire, &room_id, "secret").await;
    let answer = connection.wait_for(server.act(&claire, &room_id, "invite", Some(&samir))).await;
    let room = &answer["rooms"][&room_id];
    assert_eq!(room["membership"], "invite");
    assert_eq!(room["invite_state"], room["stripped_state"]);
    assert!(keys(&room["invite_state"]).contains(&("m.room.member", &samir.user_id)), "{room}");
    assert!(room["timeline"].is_null() && room["required_state"].is_null());
    assert!(!answer.to_string().contains("secret"));
    assert!(told(&connection.sync().await).is_empty(), "told once");

    let answer = connection.wait_for(server.join(&samir, &room_id)).await;
    let room = &answer["rooms"][&room_id];
    assert_eq!(
        (room["initial"].as_bool(), room["membership"].as_str()),
        (Some(true), Some("join"))
    );
    assert!(room["invite_state"].is_null());
}

#[tokio::test]
async fn whoever_is_ignored_cannot_invite() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let path =
        format!("/_matrix/client/v3/user/{}/account_data/m.ignored_user_list", samir.user_id);
    let ignored = json!({ "ignored_users": { claire.user_id.clone(): {} } });
    server.put(&samir, &path, ignored).await.ok();
    server.create_room(&claire, json!({ "invite": [samir.user_id], "name": "Viens" })).await;
    let answer = Connection::window(&server, &samir, 0, 9).sync().await;
    assert!(told(&answer).is_empty(), "{answer}");
}

#[tokio::test]
async fn whoever_declines_an_invitation_is_rid_of_it_on_every_device() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let invite = json!({ "invite": [samir.user_id], "name": "Viens" });
    let room_id = server.create_room(&claire, invite).await;
    let mut connection = Connection::window(&server, &samir, 0, 9);
    connection.sync().await;
    let answer = connection.wait_for(server.act(&samir, &room_id, "leave", None)).await;
    let room = &answer["rooms"][&room_id];
    assert_eq!(room["membership"], "leave");
    assert_eq!(members(&room["required_state"]), std::slice::from_ref(&samir.user_id));
    server.write(&claire, &room_id, "secret").await;
    assert!(told(&connection.sync().await).is_empty());
    let answer = Connection::window(&server, &samir, 0, 9).sync().await;
    assert_eq!((ids(&answer).len(), answer["lists"]["rooms"]["count"].as_u64()), (0, Some(0)));
}

#[tokio::test]
async fn whoever_is_out_learns_it_and_nothing_of_what_follows() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    for (by, action) in [(&claire, "kick"), (&claire, "ban"), (&samir, "leave")] {
        let room_id = server.room_of(&[&claire, &samir]).await;
        let mut connection = Connection::window(&server, &samir, 0, 0);
        connection.body["lists"]["rooms"]["timeline_limit"] = json!(10);
        connection.sync().await;
        server.write(&claire, &room_id, "avant").await;
        let target = (action != "leave").then_some(&samir);
        server.act(by, &room_id, action, target).await;
        server.write(&claire, &room_id, "secret").await;
        server.name_room(&claire, &room_id, "secret").await;

        let answer = connection.sync().await;
        assert!(!answer.to_string().contains("secret"), "{answer}");
        let room = &answer["rooms"][&room_id];
        let membership = if action == "ban" { "ban" } else { "leave" };
        assert_eq!(room["membership"], membership);
        assert_eq!(texts(&room["timeline"]), ["avant"]);
        assert_eq!(members(&room["required_state"]), std::slice::from_ref(&samir.user_id));
        server.write(&claire, &room_id, "secret2").await;
        assert!(told(&connection.sync().await).is_empty());

        // Another device learns of it only from whoever was removed.
        let answer = Connection::window(&server, &samir, 0, 0).sync().await;
        assert!(!answer.to_string().contains("secret"), "{answer}");
        assert_eq!(answer["rooms"][&room_id].is_object(), action != "leave");
    }
}

#[tokio::test]
async fn a_badge_goes_away_when_another_device_has_read() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut connection = Connection::window(&server, &claire, 0, 9);
    connection.sync().await;
    let answer = connection.wait_for(server.write(&samir, &room_id, "bonjour")).await;
    let room = &answer["rooms"][&room_id];
    assert_eq!(room["notification_count"], 1);
    let event_id = room["timeline"][0]["event_id"].as_str().unwrap().to_owned();
    let read = server.read(&claire, &room_id, &event_id, "m.read");
    let answer = connection.wait_for(read).await;
    assert_eq!(answer["rooms"][&room_id]["notification_count"], 0);
    assert!(answer["rooms"][&room_id]["timeline"].is_null());
}
