//! What is told besides rooms.

use serde_json::{Value, json};

use super::{Connection, list, rooms_of, told};
use crate::support::{Person, TestServer};

const V3: &str = "/_matrix/client/v3";

fn with<'a>(
    server: &'a TestServer,
    person: &Person,
    extension: &str,
    config: &Value,
) -> Connection<'a> {
    let body = json!({
        "lists": { "rooms": list(0, 9) },
        "extensions": { extension: config },
    });
    Connection::new(server, person, body)
}

fn on() -> Value {
    json!({ "enabled": true })
}

async fn message(server: &TestServer, from: &Person, to: &Person, text: &str) {
    let path = format!("{V3}/sendToDevice/m.test/{text}");
    let messages = json!({ to.user_id.clone(): { to.device_id.clone(): { "body": text } } });
    server.put(from, &path, json!({ "messages": messages })).await.ok();
}

fn bodies(answer: &Value) -> Vec<&str> {
    crate::sync::texts(&answer["extensions"]["to_device"]["events"])
}

#[tokio::test]
async fn messages_to_a_device_come_until_it_has_dealt_with_them() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    for text in ["a", "b", "c"] {
        message(&server, &samir, &claire, text).await;
    }
    let mut connection =
        with(&server, &claire, "to_device", &json!({ "enabled": true, "limit": 2 }));
    let answer = connection.sync().await;
    assert_eq!(bodies(&answer), ["a", "b"]);
    let next = answer["extensions"]["to_device"]["next_batch"].clone();
    assert_eq!(bodies(&connection.sync().await), ["a", "b"], "it did not say that it has them");

    connection.body["extensions"]["to_device"]["since"] = next;
    let answer = connection.sync().await;
    assert_eq!(bodies(&answer), ["c"]);
    let next = answer["extensions"]["to_device"]["next_batch"].clone();
    connection.body["extensions"]["to_device"]["since"] = next.clone();
    let answer = connection.sync().await;
    assert!(bodies(&answer).is_empty());
    assert_eq!(answer["extensions"]["to_device"]["next_batch"], next);
    let answer = connection.wait_for(message(&server, &samir, &claire, "d")).await;
    assert_eq!(bodies(&answer), ["d"]);

    // What was dealt with is gone for good.
    let answer = with(&server, &claire, "to_device", &on()).sync().await;
    assert_eq!(bodies(&answer), ["d"]);
}

#[tokio::test]
async fn a_device_learns_whose_keys_to_fetch_and_when_to_make_new_ones() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let hugo = server.sign_up("hugo").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let algorithm = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
    server.set_state(&claire, &room_id, "m.room.encryption", algorithm).await;
    let mut connection = with(&server, &claire, "e2ee", &on());
    // Keys are kept for all rooms, whether shown or not.
    connection.body.as_object_mut().unwrap().remove("lists");
    let answer = connection.sync().await;
    let e2ee = &answer["extensions"]["e2ee"];
    assert_eq!(e2ee["device_one_time_keys_count"]["signed_curve25519"], 0);
    assert_eq!(e2ee["device_unused_fallback_key_types"], json!([]));
    assert!(e2ee["device_lists"].is_null());

    let answer = connection.wait_for(server.join(&hugo, &room_id)).await;
    let changed = |answer: &Value| answer["extensions"]["e2ee"]["device_lists"].clone();
    assert_eq!(changed(&answer)["changed"], json!([hugo.user_id]));
    let device = format!("{V3}/devices/{}", samir.device_id);
    let renamed = server.put(&samir, &device, json!({ "display_name": "Tablette" }));
    let answer = connection.wait_for(renamed).await;
    assert_eq!(changed(&answer)["changed"], json!([samir.user_id]));
    let answer = connection.wait_for(server.act(&hugo, &room_id, "leave", None)).await;
    assert_eq!(changed(&answer)["left"], json!([hugo.user_id]));
    assert!(changed(&connection.sync().await).is_null());
}

#[tokio::test]
async fn settings_follow_a_person_from_device_to_device() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 1).await;
    let data = format!("{V3}/user/{}/account_data/m.test", claire.user_id);
    let of_room = format!("{V3}/user/{}/rooms/{}/account_data/m.test", claire.user_id, rooms[0]);
    server.put(&claire, &data, json!({ "n": 1 })).await.ok();
    server.put(&claire, &of_room, json!({ "n": 2 })).await.ok();
    let mut connection = with(&server, &claire, "account_data", &on());
    let answer = connection.sync().await;
    let section = &answer["extensions"]["account_data"];
    let types: Vec<_> = section["global"].as_array().unwrap().iter().map(|e| &e["type"]).collect();
    assert!(types.contains(&&json!("m.push_rules")) && types.contains(&&json!("m.test")));
    assert_eq!(section["rooms"][&rooms[0]][0]["content"], json!({ "n": 2 }));
    assert!(connection.sync().await["extensions"]["account_data"].is_null());

    let answer = connection.wait_for(server.put(&claire, &of_room, json!({ "n": 3 }))).await;
    let section = &answer["extensions"]["account_data"];
    assert_eq!(section["rooms"][&rooms[0]][0]["content"], json!({ "n": 3 }));
    assert!(section["global"].is_null());
    assert!(told(&answer).is_empty());
    let answer = connection.wait_for(server.put(&claire, &data, json!({ "n": 4 }))).await;
    let section = &answer["extensions"]["account_data"];
    assert_eq!(section["global"][0]["content"], json!({ "n": 4 }));
    assert!(section["rooms"].is_null());
}

#[tokio::test]
async fn settings_of_a_room_outside_the_window_come_with_the_room() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 2).await;
    let mut connection = with(&server, &claire, "account_data", &on());
    connection.sync().await;
    connection.show(0, 0);
    connection.sync().await;
    let path = format!("{V3}/user/{}/rooms/{}/account_data/m.test", claire.user_id, rooms[0]);
    server.put(&claire, &path, json!({ "n": 1 })).await.ok();
    assert!(connection.sync().await["extensions"]["account_data"].is_null());
    connection.show(0, 9);
    let answer = connection.sync().await;
    let section = &answer["extensions"]["account_data"]["rooms"];
    assert_eq!(section[&rooms[0]][0]["content"], json!({ "n": 1 }), "{answer}");
}

#[tokio::test]
async fn who_has_read_what_is_told() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let first = server.write(&claire, &room_id, "a").await;
    server.read(&samir, &room_id, &first, "m.read").await;
    let mut connection = with(&server, &claire, "receipts", &on());
    let answer = connection.sync().await;
    let receipts = &answer["extensions"]["receipts"]["rooms"][&room_id];
    assert_eq!(receipts["type"], "m.receipt");
    assert!(receipts["content"][&first]["m.read"][&samir.user_id].is_object(), "{answer}");

    let second = server.write(&claire, &room_id, "b").await;
    connection.sync().await;
    let read = server.read(&samir, &room_id, &second, "m.read");
    let answer = connection.wait_for(read).await;
    let receipts = &answer["extensions"]["receipts"]["rooms"][&room_id];
    assert!(receipts["content"][&second]["m.read"][&samir.user_id].is_object());
    assert!(told(&answer).is_empty());
    // What nobody else should know, nobody else is told.
    server.read(&samir, &room_id, &second, "m.read.private").await;
    assert!(connection.sync().await["extensions"]["receipts"].is_null());
}

#[tokio::test]
async fn who_is_typing_is_told_where_it_was_asked_for() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut connection = with(&server, &claire, "typing", &on());
    connection.sync().await;
    let path = format!("{V3}/rooms/{room_id}/typing/{}", samir.user_id);
    let typing = server.put(&samir, &path, json!({ "typing": true, "timeout": 30_000 }));
    let answer = connection.wait_for(typing).await;
    let typists = |answer: &Value| {
        answer["extensions"]["typing"]["rooms"][&room_id]["content"]["user_ids"].clone()
    };
    assert_eq!(typists(&answer), json!([samir.user_id]));
    assert!(typists(&connection.sync().await).is_null());

    let other = |config: &Value| {
        let mut other = with(&server, &claire, "typing", config);
        other.body["conn_id"] = json!("other");
        other
    };
    let elsewhere = json!({ "enabled": true, "lists": [], "rooms": [] });
    assert!(typists(&other(&elsewhere).sync().await).is_null());
    for here in [
        json!({ "enabled": true, "lists": ["rooms"] }),
        json!({ "enabled": true, "lists": ["*"] }),
        json!({ "enabled": true, "lists": [], "rooms": [room_id] }),
    ] {
        let answer = other(&here).sync().await;
        assert_eq!(typists(&answer), json!([samir.user_id]), "{here}");
    }

    let stops = server.put(&samir, &path, json!({ "typing": false }));
    let answer = connection.wait_for(stops).await;
    assert_eq!(typists(&answer), json!([]));
}

#[tokio::test]
async fn threads_that_one_follows_are_followed_on_every_device() {
    const UNSTABLE: &str = "/_matrix/client/unstable";
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let mut roots = Vec::new();
    for text in ["a", "b"] {
        roots.push(server.write(&claire, &room_id, text).await);
    }
    let name = "io.element.msc4308.thread_subscriptions";
    let mut connection = with(&server, &claire, name, &json!({ "enabled": true, "limit": 1 }));
    connection.sync().await;
    let path = |root: &str| {
        let thread = format!("rooms/{room_id}/thread/{root}/subscription");
        format!("{UNSTABLE}/io.element.msc4306/{thread}")
    };
    let first = path(&roots[0]);
    let follow = server.put(&claire, &first, json!({}));
    let answer = connection.wait_for(follow).await;
    let section = &answer["extensions"][name];
    assert_eq!(section["subscribed"][&room_id][&roots[0]]["automatic"], false, "{answer}");
    assert!(section["prev_batch"].is_null());
    assert!(connection.sync().await["extensions"][name].is_null());

    // What doesn't fit is there to be fetched; here and there `pos` may come in the body.
    let before = connection.pos.clone();
    server.delete(&claire, &first).await.ok();
    server.put(&claire, &path(&roots[1]), json!({})).await.ok();
    connection.body["pos"] = json!(before);
    connection.pos.clear();
    let answer = connection.sync().await;
    let section = &answer["extensions"][name];
    assert!(section["subscribed"][&room_id][&roots[1]].is_object(), "{answer}");
    assert!(section["unsubscribed"].is_null());
    let from = section["prev_batch"].as_str().unwrap();
    let path =
        format!("{UNSTABLE}/io.element.msc4308/thread_subscriptions?dir=b&from={from}&to={before}");
    let rest = server.get(&claire, &path).await.ok();
    assert!(rest["unsubscribed"][&room_id][&roots[0]].is_object(), "{rest}");
    assert!(rest["subscribed"].is_null());
}
