//! What is refused, and with which code: clients tell people what to do by it.

use serde_json::json;

use crate::{support::TestServer, sync::V3};

/// The app of a moderator says "lift the ban first" instead of "you may not".
#[tokio::test]
async fn what_a_ban_does_not_allow_is_told_apart_from_what_one_may_not() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    let room_id = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    let room = format!("{V3}/rooms/{room_id}");
    let of_samir = json!({ "user_id": samir.user_id });
    server.post(&samir, &format!("{room}/join"), json!({})).await.ok();

    let unban = format!("{room}/unban");
    server.post(&claire, &unban, of_samir.clone()).await.refused(403, "M_BAD_STATE");
    server.post(&claire, &format!("{room}/ban"), of_samir.clone()).await.ok();
    for action in ["invite", "kick"] {
        let path = format!("{room}/{action}");
        server.post(&claire, &path, of_samir.clone()).await.refused(403, "M_BAD_STATE");
    }
    server.post(&samir, &format!("{room}/join"), json!({})).await.refused(403, "M_BAD_STATE");
    // Who isn't in the room learns nothing about who is banned from it.
    server.post(&awa, &unban, of_samir.clone()).await.refused(403, "M_FORBIDDEN");
    let of_nobody = json!({ "user_id": "@nobody:pli.test" });
    server.post(&awa, &unban, of_nobody).await.refused(403, "M_FORBIDDEN");

    server.post(&claire, &unban, of_samir).await.ok();
    server.post(&samir, &format!("{room}/join"), json!({})).await.ok();
    server.post(&samir, &format!("{room}/leave"), json!({})).await.ok();
    server.post(&samir, &format!("{room}/leave"), json!({})).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn power_levels_that_name_a_creator_are_malformed_since_version_12() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let awa = server.sign_up("awa").await;
    let creation = json!({
        "room_version": "12",
        "creation_content": { "additional_creators": [awa.user_id] },
    });
    let room_id = server.create_room(&claire, creation).await;
    let path = format!("{V3}/rooms/{room_id}/state/m.room.power_levels");
    let levels = server.get(&claire, &path).await.ok();
    for creator in [&claire, &awa] {
        let mut levels = levels.clone();
        levels["users"][&creator.user_id] = 100.into();
        server.put(&claire, &path, levels).await.refused(400, "M_BAD_JSON");
    }
    let room_id = server.create_room(&claire, json!({ "room_version": "11" })).await;
    let path = format!("{V3}/rooms/{room_id}/state/m.room.power_levels");
    let mut levels = server.get(&claire, &path).await.ok();
    levels["events_default"] = 10.into();
    server.put(&claire, &path, levels).await.ok();
}

#[tokio::test]
async fn a_profile_field_that_the_body_lacks_is_a_missing_parameter() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = format!("{V3}/profile/{}/displayname", claire.user_id);
    let other = json!({ "avatar_url": "mxc://pli.test/a" });
    server.put(&claire, &path, other.clone()).await.refused(400, "M_MISSING_PARAM");
    server.put(&claire, &path, json!({ "displayname": "Claire" })).await.ok();
    let samir = server.sign_up("samir").await;
    server.put(&samir, &path, json!({ "displayname": "x" })).await.refused(403, "M_FORBIDDEN");
    let stranger = server.send(reqwest::Method::PUT, &path, None, Some(other)).await;
    stranger.refused(401, "M_MISSING_TOKEN");
}

/// Apps send the other keys again together with the master key when they see this.
#[tokio::test]
async fn cross_signing_keys_without_their_master_key_are_a_missing_parameter() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let public = "X".repeat(43);
    let key = |usage: &str, user_id: &str| {
        json!({
            "user_id": user_id,
            "usage": [usage],
            "keys": { format!("ed25519:{public}"): public },
        })
    };
    let path = format!("{V3}/keys/device_signing/upload");
    let alone = json!({ "self_signing_key": key("self_signing", "@samir:pli.test") });
    server.post(&claire, &path, alone).await.refused(400, "M_MISSING_PARAM");

    // Nobody signed the master key: it has no signatures, not an empty list of somebody's.
    let master = key("master", &claire.user_id);
    server.post(&claire, &path, json!({ "master_key": master })).await.ok();
    let query = json!({ "device_keys": { (&claire.user_id): [] } });
    let keys = server.post(&claire, &format!("{V3}/keys/query"), query).await.ok();
    assert_eq!(keys["master_keys"][&claire.user_id], master);
}

/// "Explore spaces" would show all rooms.
#[tokio::test]
async fn the_directory_can_be_asked_for_spaces_or_for_rooms() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let public = json!({ "visibility": "public" });
    let room = server.create_room(&claire, public.clone()).await;
    let mut space = public;
    space["creation_content"] = json!({ "type": "m.space" });
    let space = server.create_room(&claire, space).await;
    for (room_types, expected) in [
        (json!(["m.space"]), vec![&space]),
        (json!([null]), vec![&room]),
        (json!([null, "m.space"]), vec![&room, &space]),
        (json!(["org.example.other"]), vec![]),
    ] {
        let body = json!({ "filter": { "room_types": room_types } });
        let page = server.post(&claire, &format!("{V3}/publicRooms"), body).await.ok();
        let chunk = page["chunk"].as_array().unwrap();
        let mut found: Vec<_> =
            chunk.iter().map(|room| room["room_id"].as_str().unwrap()).collect();
        let mut expected: Vec<_> = expected.into_iter().map(String::as_str).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{room_types}");
    }
}

/// Whoever is invited can check which room it is that they are invited to (MSC4311).
#[tokio::test]
async fn an_invitation_shows_the_whole_create_event() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.create_room(&claire, json!({ "invite": [samir.user_id] })).await;
    let sync = server.sync(&samir, "").await;
    let state = &sync["rooms"]["invite"][&room_id]["invite_state"]["events"];
    let is_create = |event: &&serde_json::Value| event["type"] == "m.room.create";
    let create = state.as_array().unwrap().iter().find(is_create).unwrap();
    assert_eq!(create["event_id"], room_id.replace('!', "$"));
    assert_eq!(create["room_id"], room_id);
    assert_eq!(create["origin_server_ts"], 1_700_000_000_000_u64);
    assert_eq!(create["sender"], claire.user_id);
}

/// The app of whoever takes a message back finds its own redaction again.
#[tokio::test]
async fn the_sender_of_a_redaction_finds_its_transaction_id_in_what_it_redacted() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let event_id = server.write(&claire, &room_id, "bonjour").await;
    let redact = format!("{V3}/rooms/{room_id}/redact/{event_id}/t2");
    server.put(&claire, &redact, json!({})).await.ok();
    let path = format!("{V3}/rooms/{room_id}/event/{event_id}");
    let because = |event: serde_json::Value| event["unsigned"]["redacted_because"].clone();
    let own = because(server.get(&claire, &path).await.ok());
    assert_eq!(own["unsigned"]["transaction_id"], "t2");
    let others = because(server.get(&samir, &path).await.ok());
    assert_eq!(others["event_id"], own["event_id"]);
    assert_eq!(others["unsigned"].get("transaction_id"), None);
}

/// Typed clients refuse the whole list for a `null` that is a text.
#[tokio::test]
async fn what_a_device_does_not_have_is_left_out() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let devices = server.get(&claire, &format!("{V3}/devices")).await.ok();
    let path = format!("{V3}/devices/{}", claire.device_id);
    let device = server.get(&claire, &path).await.ok();
    assert_eq!(devices["devices"][0]["device_id"], device["device_id"]);
    for device in [&devices["devices"][0], &device] {
        assert!(device.as_object().unwrap().values().all(|value| !value.is_null()), "{device}");
    }
}
