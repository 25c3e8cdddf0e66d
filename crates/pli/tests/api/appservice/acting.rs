//! Whom a bridge may act for, and whose names are whose.

use axum::http::Method;
use serde_json::{Value, json};

use super::bridge::{AS_TOKEN, Bridge, Bridging};
use crate::support::{PASSWORD, TestServer};

const REGISTER: &str = "/_matrix/client/v3/register";
const WHOAMI: &str = "/_matrix/client/v3/account/whoami";

async fn register_as_person(server: &TestServer, name: &str) -> crate::support::Answer {
    let body = json!({
        "username": name,
        "password": PASSWORD,
        "auth": { "type": "m.login.dummy" },
    });
    server.send(Method::POST, REGISTER, None, Some(body)).await
}

#[tokio::test]
async fn a_bridge_acts_for_itself_and_for_its_users() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let itself = server.bridge(Method::GET, WHOAMI, None).await.ok();
    assert_eq!(itself, json!({ "user_id": "@telegrambot:pli.test" }));

    let puppet = server.puppet("telegram_1").await;
    let acting = server.bridge(Method::GET, &format!("{WHOAMI}?{puppet}"), None).await.ok();
    assert_eq!(acting["user_id"], "@telegram_1:pli.test");
    // Names that begin with _ are for bridges, and are within the namespace only if it says so.
    let body = json!({ "type": "m.login.application_service", "username": "_telegram" });
    server.bridge(Method::POST, REGISTER, Some(body)).await.refused(400, "M_EXCLUSIVE");
}

/// Otherwise a bridge would be a master key.
#[tokio::test]
async fn a_bridge_does_not_act_for_anybody_else() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    server.sign_up("claire").await;
    for user in ["@claire:pli.test", "@telegram_1:other.test", "@telegram_unknown:pli.test"] {
        let path = format!("{WHOAMI}?user_id={user}");
        server.bridge(Method::GET, &path, None).await.refused(403, "M_FORBIDDEN");
    }
    let path = format!("{WHOAMI}?user_id=nobody");
    server.bridge(Method::GET, &path, None).await.refused(400, "M_INVALID_PARAM");
    // Nobody else can put on a mask, and a token that is nearly right is wrong.
    let claire = server.sign_in("claire").await;
    let path = format!("{WHOAMI}?user_id=@telegrambot:pli.test");
    assert_eq!(server.get(&claire, &path).await.ok()["user_id"], "@claire:pli.test");
    let token = &AS_TOKEN[1..];
    server.send(Method::GET, WHOAMI, Some(token), None).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn reserved_user_names_are_the_bridges_alone() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    for name in ["telegram_1", "Telegram_2"] {
        register_as_person(&server, name).await.refused(400, "M_EXCLUSIVE");
        let path = format!("{REGISTER}/available?username={name}");
        server.send(Method::GET, &path, None, None).await.refused(400, "M_EXCLUSIVE");
    }
    server.sign_up("claire").await;

    for name in ["samir", "claire"] {
        let body = json!({ "type": "m.login.application_service", "username": name });
        server.bridge(Method::POST, REGISTER, Some(body)).await.refused(400, "M_EXCLUSIVE");
    }
    server.puppet("telegram_1").await;
    let body = json!({ "type": "m.login.application_service", "username": "telegram_1" });
    server.bridge(Method::POST, REGISTER, Some(body)).await.refused(400, "M_USER_IN_USE");
    let body = json!({ "type": "m.login.application_service" });
    server.bridge(Method::POST, REGISTER, Some(body.clone())).await.refused(400, "M_MISSING_PARAM");
    server.send(Method::POST, REGISTER, None, Some(body)).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn reserved_aliases_are_the_bridges_alone() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let room = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    let alias = |name: &str| format!("/_matrix/client/v3/directory/room/%23{name}:pli.test");
    let body = json!({ "room_id": room });
    let reserved = alias("telegram_news");
    server.put(&claire, &reserved, body.clone()).await.refused(400, "M_EXCLUSIVE");
    server.delete(&claire, &reserved).await.refused(400, "M_EXCLUSIVE");
    let creating = json!({ "room_alias_name": "telegram_news" });
    server
        .post(&claire, "/_matrix/client/v3/createRoom", creating.clone())
        .await
        .refused(400, "M_EXCLUSIVE");
    server.put(&claire, &alias("news"), body).await.ok();

    let created =
        server.bridge(Method::POST, "/_matrix/client/v3/createRoom", Some(creating)).await;
    let portal = created.ok()["room_id"].clone();
    let body = Some(json!({ "room_id": portal }));
    server.bridge(Method::PUT, &alias("other"), body).await.refused(400, "M_EXCLUSIVE");
    assert_eq!(server.get(&claire, &reserved).await.ok()["room_id"], portal);
    server.bridge(Method::DELETE, &reserved, None).await.ok();
}

/// A bridge that imports a conversation says when each message was sent; nobody else can.
#[tokio::test]
async fn only_a_bridge_says_when_something_was_sent() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let invite = json!({ "invite": ["@telegrambot:pli.test"], "preset": "public_chat" });
    let room = server.create_room(&claire, invite).await;
    let rooms = format!("/_matrix/client/v3/rooms/{room}");
    server.bridge(Method::POST, &format!("{rooms}/join"), Some(json!({}))).await.ok();

    let message = json!({ "msgtype": "m.text", "body": "Bonjour" });
    let path = format!("{rooms}/send/m.room.message/1?ts=1234567");
    let sent = server.bridge(Method::PUT, &path, Some(message.clone())).await.ok();
    let by_claire = server.put(&claire, &path, message).await.ok();
    let state = format!("{rooms}/state/org.pli.test/x?ts=7654321");
    server.post(&claire, &format!("{rooms}/invite"), json!({ "user_id": "@x:y" })).await;
    let powers = json!({ "users": { "@telegrambot:pli.test": 50 } });
    server.put(&claire, &format!("{rooms}/state/m.room.power_levels"), powers).await.ok();
    let set = server.bridge(Method::PUT, &state, Some(json!({}))).await.ok();

    let time = async |answer: Value| {
        let path = format!("{rooms}/event/{}", answer["event_id"].as_str().unwrap());
        server.get(&claire, &path).await.ok()["origin_server_ts"].as_u64().unwrap()
    };
    assert_eq!(time(sent).await, 1_234_567);
    assert_eq!(time(set).await, 7_654_321);
    assert!(time(by_claire).await >= 1_700_000_000_000);
}

#[tokio::test]
async fn a_bridge_is_not_slowed_down_unless_its_operator_wants_that() {
    let limits = "store.url = \"memory:\"\nrate_limits.enabled = true";
    for (is_limited, expected) in [(false, 200), (true, 429)] {
        let bridge = Bridge::listen().await;
        let fields = json!({ "rate_limited": is_limited });
        let server = bridge.server_with(fields, limits).await;
        let puppet = server.puppet("telegram_1").await;
        let path = format!("{WHOAMI}?{puppet}");
        let mut last = 0;
        for _ in 0..260 {
            last = server.bridge(Method::GET, &path, None).await.status.as_u16();
            if last == 429 {
                break;
            }
        }
        assert_eq!(last, expected);
    }
}
