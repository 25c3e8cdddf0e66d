//! What a bridge is asked: pings, users, rooms, third-party networks.

use axum::http::Method;
use serde_json::json;

use super::bridge::{Bridge, Bridging};

const PING: &str = "/_matrix/client/v1/appservice/telegram/ping";

#[tokio::test]
async fn a_bridge_learns_whether_the_server_reaches_it() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let body = Some(json!({ "transaction_id": "t1" }));
    bridge.answer("/ping", 200, json!({}));
    let answer = server.bridge(Method::POST, PING, body.clone()).await.ok();
    assert!(answer["duration_ms"].is_u64(), "{answer}");
    assert_eq!(bridge.asked(), ["POST /ping"]);

    bridge.answer("/ping", 401, json!({ "errcode": "M_UNKNOWN_TOKEN" }));
    let answer = server.bridge(Method::POST, PING, body.clone()).await.refused(502, "M_BAD_STATUS");
    assert_eq!(answer["status"], 401);
    assert_eq!(answer["body"], r#"{"errcode":"M_UNKNOWN_TOKEN"}"#);

    let other = PING.replace("telegram", "irc");
    server.bridge(Method::POST, &other, body.clone()).await.refused(403, "M_FORBIDDEN");
    let claire = server.sign_up("claire").await;
    server.post(&claire, PING, json!({})).await.refused(403, "M_FORBIDDEN");
    server.send(Method::POST, PING, None, body).await.refused(401, "M_MISSING_TOKEN");
}

#[tokio::test]
async fn a_bridge_that_cannot_be_reached_learns_why() {
    let bridge = Bridge::listen().await;
    let memory = "store.url = \"memory:\"";
    let server = bridge.server_with(json!({ "url": null }), memory).await;
    let ping = Some(json!({}));
    server.bridge(Method::POST, PING, ping.clone()).await.refused(400, "M_URL_NOT_SET");

    let unused = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = unused.local_addr().unwrap();
    let silent = json!({ "url": format!("http://{address}") });
    // It takes connections and says nothing.
    let quick = format!("{memory}\nappservices.timeout = \"100 ms\"");
    let server = bridge.server_with(silent.clone(), &quick).await;
    server.bridge(Method::POST, PING, ping.clone()).await.refused(504, "M_CONNECTION_TIMEOUT");
    drop(unused);
    let server = bridge.server_with(silent, &quick).await;
    server.bridge(Method::POST, PING, ping).await.refused(502, "M_CONNECTION_FAILED");
}

/// The first time somebody writes to a person of the other network.
#[tokio::test]
async fn a_bridge_is_asked_for_users_before_they_are_said_not_to_exist() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let profile = "/_matrix/client/v3/profile/@telegram_1:pli.test";
    server.get(&claire, profile).await.refused(404, "M_NOT_FOUND");
    assert_eq!(bridge.asked(), ["GET /users/@telegram_1:pli.test"]);
    bridge.answer("/users/@telegram_1:pli.test", 200, json!({}));
    let room = server.create_room(&claire, json!({})).await;
    let invite = format!("/_matrix/client/v3/rooms/{room}/invite");
    let body = json!({ "user_id": "@telegram_1:pli.test" });
    server.post(&claire, &invite, body).await.ok();
    assert_eq!(bridge.asked().len(), 2);
    // Who is here, or belongs to nobody, is not asked for.
    server.puppet("telegram_1").await;
    server.get(&claire, profile).await.ok();
    server.get(&claire, "/_matrix/client/v3/profile/@nobody:pli.test").await;
    assert_eq!(bridge.asked().len(), 2);
}

#[tokio::test]
async fn a_bridge_is_asked_for_rooms_before_they_are_said_not_to_exist() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let alias = "/_matrix/client/v3/directory/room/%23telegram_news:pli.test";
    server.get(&claire, alias).await.refused(404, "M_NOT_FOUND");
    assert_eq!(bridge.asked(), ["GET /rooms/%23telegram_news:pli.test"]);
    // A bridge that says yes and makes no room has none.
    bridge.answer("/rooms/%23telegram_news:pli.test", 200, json!({}));
    let join = "/_matrix/client/v3/join/%23telegram_news:pli.test";
    server.post(&claire, join, json!({})).await.refused(404, "M_NOT_FOUND");
    assert_eq!(bridge.asked().len(), 2);
    let body = json!({ "room_alias_name": "telegram_news", "preset": "public_chat" });
    let created = server.bridge(Method::POST, "/_matrix/client/v3/createRoom", Some(body)).await;
    let room = created.ok()["room_id"].clone();
    assert_eq!(server.post(&claire, join, json!({})).await.ok()["room_id"], room);
    assert_eq!(bridge.asked().len(), 2);
}

#[tokio::test]
async fn third_party_networks_are_the_bridges_to_describe() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let third_party = "/_matrix/client/v3/thirdparty";
    // A bridge that does not answer has no networks.
    assert_eq!(server.get(&claire, &format!("{third_party}/protocols")).await.ok(), json!({}));
    let protocol = json!({
        "user_fields": ["name"],
        "location_fields": ["channel"],
        "icon": "mxc://pli.test/icon",
        "field_types": { "name": { "regexp": "[a-z]+", "placeholder": "name" } },
        "instances": [{ "network_id": "main", "desc": "Telegram", "fields": {} }],
    });
    bridge.answer("/thirdparty/protocol/telegram", 200, protocol);
    let protocols = server.get(&claire, &format!("{third_party}/protocols")).await.ok();
    assert_eq!(protocols["telegram"]["instances"][0]["instance_id"], "telegram|main");
    let one = server.get(&claire, &format!("{third_party}/protocol/telegram")).await.ok();
    assert_eq!(one, protocols["telegram"]);
    for path in ["protocol/irc", "location/irc", "user/irc"] {
        let path = format!("{third_party}/{path}");
        server.get(&claire, &path).await.refused(404, "M_NOT_FOUND");
    }

    let location =
        json!([{ "alias": "#telegram_a:pli.test", "protocol": "telegram", "fields": {} }]);
    bridge.answer("/thirdparty/location/telegram?channel=a%26b", 200, location.clone());
    bridge.answer("/thirdparty/location?alias=%23telegram_a%3Apli.test", 200, location.clone());
    let user = json!([{ "userid": "@telegram_1:pli.test", "protocol": "telegram", "fields": {} }]);
    bridge.answer("/thirdparty/user/telegram?name=samir", 200, user.clone());
    bridge.answer("/thirdparty/user?userid=%40telegram_1%3Apli.test", 200, user.clone());
    for (path, expected) in [
        ("location/telegram?channel=a%26b", &location),
        ("location?alias=%23telegram_a:pli.test", &location),
        ("user/telegram?name=samir", &user),
        ("user?userid=@telegram_1:pli.test", &user),
        ("user/telegram?name=nobody", &json!([])),
        ("user?userid=@claire:pli.test", &json!([])),
    ] {
        let path = format!("{third_party}/{path}");
        assert_eq!(&server.get(&claire, &path).await.ok(), expected, "{path}");
    }
    // Nobody's token goes to a bridge.
    let path =
        format!("{third_party}/user/telegram?name=samir&access_token={}", claire.access_token);
    let answer = server.send(Method::GET, &path, None, None).await;
    assert_eq!(answer.ok(), user);
    assert!(!bridge.asked().iter().any(|asked| asked.contains(&claire.access_token)));
}
