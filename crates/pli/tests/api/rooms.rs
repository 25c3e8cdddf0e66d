//! Rooms over HTTP: what clients send and what they get back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const V3: &str = "/_matrix/client/v3";

fn texts(events: &Value) -> Vec<&str> {
    let text = |event: &'_ Value| event["content"]["body"].as_str().is_some();
    let events = events.as_array().unwrap().iter().filter(|event| text(event));
    events.map(|event| event["content"]["body"].as_str().unwrap()).collect()
}

impl TestServer {
    async fn say(&self, person: &Person, room_id: &str, text: &str, transaction: &str) -> String {
        let path = format!("{V3}/rooms/{room_id}/send/m.room.message/{transaction}");
        let body = json!({ "msgtype": "m.text", "body": text });
        let answer = self.put(person, &path, body).await.ok();
        answer["event_id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn two_people_meet_in_a_room_and_read_each_other() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server
        .create_room(
            &claire,
            json!({
                "preset": "trusted_private_chat",
                "is_direct": true,
                "name": "Déjeuner",
                "invite": [samir.user_id],
                "initial_state": [{
                    "type": "m.room.encryption",
                    "content": { "algorithm": "m.megolm.v1.aes-sha2" },
                }],
            }),
        )
        .await;

    // Not in yet: he sees nothing.
    let path = format!("{V3}/rooms/{room_id}/state");
    server.get(&samir, &path).await.refused(403, "M_FORBIDDEN");
    let joined = server.post(&samir, &format!("{V3}/join/{room_id}"), json!({})).await.ok();
    assert_eq!(joined["room_id"], room_id);
    server.say(&claire, &room_id, "bonjour", "t1").await;
    let reply = server.say(&samir, &room_id, "salut", "t1").await;

    server.restart().await;
    // The same transaction again, after a restart, is the same event.
    assert_eq!(server.say(&samir, &room_id, "salut", "t1").await, reply);

    let path = format!("{V3}/rooms/{room_id}/messages?dir=b&limit=2");
    let page = server.get(&claire, &path).await.ok();
    assert_eq!(texts(&page["chunk"]), ["salut", "bonjour"]);
    let event = &page["chunk"][0];
    assert_eq!(event["room_id"], room_id);
    assert_eq!(event["sender"], samir.user_id);
    assert_eq!(event["unsigned"]["membership"], "join");
    assert!(event["unsigned"]["transaction_id"].is_null(), "only the sender's device learns it");
    let own = server.get(&samir, &format!("{V3}/rooms/{room_id}/event/{reply}")).await.ok();
    assert_eq!(own["unsigned"]["transaction_id"], "t1");

    let end = page["end"].as_str().unwrap();
    let path = format!("{V3}/rooms/{room_id}/messages?dir=b&limit=100&from={end}");
    let older = server.get(&claire, &path).await.ok();
    assert_eq!(older["chunk"].as_array().unwrap().last().unwrap()["type"], "m.room.create");
    // Only an empty page says that there is no more.
    let end = older["end"].as_str().unwrap();
    let path = format!("{V3}/rooms/{room_id}/messages?dir=b&limit=100&from={end}");
    let nothing = server.get(&claire, &path).await.ok();
    assert_eq!(nothing["chunk"], json!([]));
    assert!(nothing["end"].is_null());

    let members = server.get(&claire, &format!("{V3}/rooms/{room_id}/joined_members")).await.ok();
    assert_eq!(members["joined"].as_object().unwrap().len(), 2);
    let rooms = server.get(&samir, &format!("{V3}/joined_rooms")).await.ok();
    assert_eq!(rooms["joined_rooms"], json!([room_id]));
}

#[tokio::test]
async fn state_is_set_and_read_with_and_without_its_key() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let state = format!("{V3}/rooms/{room_id}/state");
    for (path, name) in
        [(format!("{state}/m.room.name"), "un"), (format!("{state}/m.room.name/"), "deux")]
    {
        server.put(&claire, &path, json!({ "name": name })).await.ok();
        assert_eq!(server.get(&claire, &path).await.ok(), json!({ "name": name }));
    }
    let event = server.get(&claire, &format!("{state}/m.room.name?format=event")).await.ok();
    assert_eq!(event["content"]["name"], "deux");
    assert_eq!(event["unsigned"]["prev_content"]["name"], "un");
    let member = server.get(&claire, &format!("{state}/m.room.member/{}", claire.user_id)).await;
    assert_eq!(member.ok()["membership"], "join");
    let all = server.get(&claire, &state).await.ok();
    assert!(all.as_array().unwrap().iter().any(|event| event["type"] == "m.room.create"));
    server.get(&claire, &format!("{state}/m.room.topic")).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn people_are_removed_banned_and_forgotten() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    let room = format!("{V3}/rooms/{room_id}");
    let body = json!({ "user_id": samir.user_id, "reason": "merci" });

    // A body may be left out.
    let token = Some(samir.access_token.as_str());
    server.send(Method::POST, &format!("{room}/join"), token, None).await.ok();
    server.post(&claire, &format!("{room}/kick"), body.clone()).await.ok();
    server.post(&claire, &format!("{room}/kick"), body.clone()).await.refused(403, "M_FORBIDDEN");
    server.post(&claire, &format!("{room}/ban"), body.clone()).await.ok();
    server.post(&samir, &format!("{room}/join"), json!({})).await.refused(403, "M_BAD_STATE");
    let path = format!("{room}/members?membership=ban");
    let banned = server.get(&claire, &path).await.ok();
    assert_eq!(banned["chunk"][0]["state_key"], samir.user_id);
    assert_eq!(banned["chunk"][0]["content"]["reason"], "merci");
    server.post(&claire, &format!("{room}/unban"), body).await.ok();
    server.post(&samir, &format!("{room}/join"), json!({})).await.ok();
    server.post(&samir, &format!("{room}/forget"), json!({})).await.refused(400, "M_UNKNOWN");
    server.post(&samir, &format!("{room}/leave"), json!({})).await.ok();
    server.post(&samir, &format!("{room}/forget"), json!({})).await.ok();
    server.get(&samir, &format!("{room}/messages?dir=b")).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn a_redacted_message_is_empty_for_everybody() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let event_id = server.say(&claire, &room_id, "erreur", "t1").await;
    let path = format!("{V3}/rooms/{room_id}/redact/{event_id}/t2");
    let redaction = server.put(&claire, &path, json!({ "reason": "oups" })).await.ok();
    let path = format!("{V3}/rooms/{room_id}/event/{event_id}");
    let event = server.get(&claire, &path).await.ok();
    assert_eq!(event["content"], json!({}));
    assert_eq!(event["unsigned"]["redacted_because"]["event_id"], redaction["event_id"]);
}

#[tokio::test]
async fn rooms_are_found_by_alias_and_in_the_directory() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let body = json!({
        "visibility": "public",
        "room_alias_name": "cantine",
        "name": "Cantine",
        "topic": "Menus",
    });
    let room_id = server.create_room(&claire, body.clone()).await;
    let again = server.post(&claire, &format!("{V3}/createRoom"), body).await;
    again.refused(400, "M_ROOM_IN_USE");
    let alias = "%23cantine%3Apli.test";
    let found = server.get(&samir, &format!("{V3}/directory/room/{alias}")).await.ok();
    assert_eq!(found["room_id"], room_id);
    server.post(&samir, &format!("{V3}/join/{alias}"), json!({})).await.ok();
    let unknown = format!("{V3}/join/%23nulle-part%3Apli.test");
    server.post(&samir, &unknown, json!({})).await.refused(404, "M_NOT_FOUND");
    let unknown = format!("{V3}/join/!nulle-part%3Apli.test");
    server.post(&samir, &unknown, json!({})).await.refused(404, "M_NOT_FOUND");

    let listed = server.get(&samir, &format!("{V3}/publicRooms")).await.ok();
    assert_eq!(listed["chunk"][0]["name"], "Cantine");
    assert_eq!(listed["chunk"][0]["num_joined_members"], 2);
    let search = json!({ "filter": { "generic_search_term": "menu" } });
    let found = server.post(&samir, &format!("{V3}/publicRooms"), search).await.ok();
    assert_eq!(found["total_room_count_estimate"], 1);
    let path = format!("{V3}/directory/list/room/{room_id}");
    server.put(&samir, &path, json!({ "visibility": "private" })).await.refused(403, "M_FORBIDDEN");
    server.put(&claire, &path, json!({ "visibility": "private" })).await.ok();
    assert_eq!(server.get(&samir, &path).await.ok()["visibility"], "private");

    let path = format!("{V3}/directory/room/{alias}");
    server.delete(&samir, &path).await.refused(403, "M_FORBIDDEN");
    server.delete(&claire, &path).await.ok();
    server.get(&samir, &path).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let create = format!("{V3}/createRoom");
    let refused = async |body: Value, errcode: &str| {
        server.post(&claire, &create, body).await.refused(400, errcode);
    };
    refused(json!({ "room_version": "99" }), "M_UNSUPPORTED_ROOM_VERSION").await;
    refused(json!({ "preset": "no_such_preset" }), "M_INVALID_PARAM").await;
    refused(json!({ "creation_content": "text" }), "M_BAD_JSON").await;
    refused(json!({ "room_alias_name": "a:b" }), "M_INVALID_PARAM").await;
    let levels = json!({ "users": { claire.user_id.as_str(): 100 } });
    refused(json!({ "power_level_content_override": levels }), "M_INVALID_ROOM_STATE").await;

    let room_id = server.create_room(&claire, json!({})).await;
    let send = format!("{V3}/rooms/{room_id}/send/m.room.message");
    let large = json!({ "body": "x".repeat(70_000) });
    server.put(&claire, &format!("{send}/t1"), large).await.refused(413, "M_TOO_LARGE");
    let list = server.put(&claire, &format!("{send}/t2"), json!([1, 2])).await;
    assert_eq!(list.status, 400);
    let fraction = server.put(&claire, &format!("{send}/t3"), json!({ "n": 0.5 })).await;
    fraction.refused(400, "M_BAD_JSON");
    let alias = json!({ "alias": "#pas-la:pli.test" });
    let path = format!("{V3}/rooms/{room_id}/state/m.room.canonical_alias");
    server.put(&claire, &path, alias).await.refused(400, "M_BAD_ALIAS");
    let path = format!("{V3}/rooms/{room_id}/messages?dir=b&from=nonsense");
    server.get(&claire, &path).await.refused(400, "M_INVALID_PARAM");
    let path = format!("{V3}/rooms/!unknown%3Apli.test/send/m.room.message/t4");
    server.put(&claire, &path, json!({ "body": "" })).await.refused(403, "M_FORBIDDEN");
    let path = format!("{V3}/rooms/{room_id}/invite");
    let by_mail =
        json!({ "medium": "email", "address": "a@b.c", "id_server": "x", "id_access_token": "y" });
    server.post(&claire, &path, by_mail).await.refused(403, "M_THREEPID_DENIED");
}

#[tokio::test]
async fn what_is_read_typed_and_tagged_is_kept() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    let room = format!("{V3}/rooms/{room_id}");
    let event_id = server.say(&claire, &room_id, "bonjour", "t1").await;
    let receipt = format!("{room}/receipt/m.read/{event_id}");
    server.post(&samir, &receipt, json!({})).await.refused(403, "M_FORBIDDEN");
    server.post(&claire, &receipt, json!({ "thread_id": "main" })).await.ok();
    let markers = json!({ "m.fully_read": event_id, "m.read.private": event_id });
    server.post(&claire, &format!("{room}/read_markers"), markers).await.ok();
    let user = format!("{V3}/user/{}/rooms/{room_id}", claire.user_id);
    let marker = server.get(&claire, &format!("{user}/account_data/m.fully_read")).await.ok();
    assert_eq!(marker["event_id"], event_id);

    let typing = format!("{room}/typing/{}", claire.user_id);
    let body = json!({ "typing": true, "timeout": 30_000 });
    server.put(&samir, &typing, body.clone()).await.refused(403, "M_FORBIDDEN");
    server.put(&claire, &typing, body).await.ok();

    let tag = format!("{user}/tags/m.favourite");
    server.put(&claire, &tag, json!({ "order": 0.25 })).await.ok();
    let tags = server.get(&claire, &format!("{user}/tags")).await.ok();
    assert_eq!(tags["tags"]["m.favourite"]["order"], 0.25);
    server.get(&samir, &format!("{user}/tags")).await.refused(403, "M_FORBIDDEN");
    server.delete(&claire, &tag).await.ok();
    assert_eq!(server.get(&claire, &format!("{user}/tags")).await.ok()["tags"], json!({}));
}

/// Some clients leave out for how long they type.
#[tokio::test]
async fn who_types_without_saying_for_how_long_is_seen_typing() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let since = server.sync(&claire, "").await["next_batch"].as_str().unwrap().to_owned();
    let typing = format!("{V3}/rooms/{room_id}/typing/{}", claire.user_id);
    server.put(&claire, &typing, json!({ "typing": true })).await.ok();
    let answer = server.sync(&claire, &since).await;
    let ephemeral = &answer["rooms"]["join"][&room_id]["ephemeral"]["events"][0];
    assert_eq!(ephemeral["type"], "m.typing", "{answer}");
    assert_eq!(ephemeral["content"]["user_ids"], json!([claire.user_id]));
    server.put(&claire, &typing, json!({ "typing": 1 })).await.refused(400, "M_BAD_JSON");
}

#[tokio::test]
async fn a_new_name_reaches_the_rooms() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let since = server.sync(&claire, "").await["next_batch"].as_str().unwrap().to_owned();
    let path = format!("{V3}/profile/{}/displayname", claire.user_id);
    server.put(&claire, &path, json!({ "displayname": "Claire Martin" })).await.ok();
    // The work goes on in the background: the next sync that brings the room brings it.
    let mut since = since;
    loop {
        let path = format!("{V3}/sync?timeout=30000&since={since}");
        let answer = server.get(&claire, &path).await.ok();
        since = answer["next_batch"].as_str().unwrap().to_owned();
        let events = &answer["rooms"]["join"][&room_id]["timeline"]["events"];
        let Some(event) = events.as_array().and_then(|events| events.last()) else { continue };
        assert_eq!(event["type"], "m.room.member");
        assert_eq!(event["content"]["displayname"], "Claire Martin");
        break;
    }
}
