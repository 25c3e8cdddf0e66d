//! Devices and sessions of a bridge's users.

use axum::http::Method;
use serde_json::{Value, json};

use super::bridge::{AS_TOKEN, Bridge, Bridging};

const LOGIN: &str = "/_matrix/client/v3/login";
const DEVICES: &str = "/_matrix/client/v3/devices";
const WHOAMI: &str = "/_matrix/client/v3/account/whoami";

fn login_as(user: &str) -> Option<Value> {
    Some(json!({
        "type": "m.login.application_service",
        "identifier": { "type": "m.id.user", "user": user },
        "device_id": "BRIDGE",
    }))
}

#[tokio::test]
async fn a_bridge_signs_its_users_in_without_a_password() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let flows = server.send(Method::GET, LOGIN, None, None).await.ok();
    let offers = |flow: &Value| flow["type"] == "m.login.application_service";
    assert!(flows["flows"].as_array().unwrap().iter().any(offers));
    server.puppet("telegram_1").await;
    server.sign_up("claire").await;
    for user in ["telegram_1", "@telegram_1:pli.test"] {
        let session = server.bridge(Method::POST, LOGIN, login_as(user)).await.ok();
        let token = session["access_token"].as_str().unwrap();
        let who = server.send(Method::GET, WHOAMI, Some(token), None).await.ok();
        assert_eq!(who["user_id"], "@telegram_1:pli.test");
        assert_eq!(who["device_id"], "BRIDGE");
    }
    server.bridge(Method::POST, LOGIN, login_as("claire")).await.refused(400, "M_EXCLUSIVE");
    server.bridge(Method::POST, LOGIN, login_as("telegram_2")).await.refused(403, "M_FORBIDDEN");
    let stranger = server.send(Method::POST, LOGIN, None, login_as("telegram_1")).await;
    stranger.refused(401, "M_UNKNOWN_TOKEN");
}

/// Without this a bridge can't encrypt where people sign in through the browser.
#[tokio::test]
async fn a_bridge_creates_and_removes_devices_of_its_users() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let puppet = server.puppet("telegram_1").await;
    let device = format!("{DEVICES}/BRIDGE?{puppet}");
    let named = |name: &str| Some(json!({ "display_name": name }));
    assert_eq!(server.bridge(Method::PUT, &device, named("Bridge")).await.status, 201);
    assert_eq!(server.bridge(Method::PUT, &device, named("Echo")).await.status, 200);
    assert_eq!(server.bridge(Method::GET, &device, None).await.ok()["display_name"], "Echo");

    for parameter in ["device_id", "org.matrix.msc3202.device_id"] {
        let path = format!("{WHOAMI}?{puppet}&{parameter}=BRIDGE");
        let who = server.bridge(Method::GET, &path, None).await.ok();
        assert_eq!(who["device_id"], "BRIDGE");
        let path = format!("{WHOAMI}?{puppet}&{parameter}=OTHER");
        server.bridge(Method::GET, &path, None).await.refused(400, "M_UNKNOWN_DEVICE");
    }
    server.bridge(Method::DELETE, &device, None).await.ok();
    server.bridge(Method::GET, &device, None).await.refused(404, "M_NOT_FOUND");

    // People go on signing in to get a device, and proving who they are to remove one.
    let claire = server.sign_up("claire").await;
    let body = json!({ "display_name": "x" });
    server.put(&claire, &format!("{DEVICES}/NEW"), body).await.refused(404, "M_NOT_FOUND");
    let own = format!("{DEVICES}/{}", claire.device_id);
    assert_eq!(server.delete(&claire, &own).await.status, 401);
}

#[tokio::test]
async fn a_bridge_that_manages_devices_is_told_not_to_sign_in() {
    let bridge = Bridge::listen().await;
    let fields = json!({ "io.element.msc4190": true });
    let server = bridge.server_with(fields, "store.url = \"memory:\"").await;
    server.puppet("telegram_1").await;
    let answer = server.bridge(Method::POST, LOGIN, login_as("telegram_1")).await;
    answer.refused(400, "M_APPSERVICE_LOGIN_UNSUPPORTED");
    let body = json!({ "type": "m.login.application_service", "username": "telegram_2" });
    let register = "/_matrix/client/v3/register";
    let answer = server.bridge(Method::POST, register, Some(body)).await;
    answer.refused(400, "M_APPSERVICE_LOGIN_UNSUPPORTED");
}

#[tokio::test]
async fn keys_belong_to_a_device_that_the_bridge_names() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let puppet = server.puppet("telegram_1").await;
    let upload = "/_matrix/client/v3/keys/upload";
    let keys =
        json!({ "one_time_keys": { "signed_curve25519:1": { "key": "a", "signatures": {} } } });
    let path = format!("{upload}?{puppet}");
    server.bridge(Method::POST, &path, Some(keys.clone())).await.refused(400, "M_MISSING_PARAM");
    let device = format!("{DEVICES}/BRIDGE?{puppet}");
    server.bridge(Method::PUT, &device, Some(json!({}))).await;
    let path = format!("{upload}?{puppet}&device_id=BRIDGE");
    let counts = server.bridge(Method::POST, &path, Some(keys)).await.ok();
    assert_eq!(counts["one_time_key_counts"]["signed_curve25519"], 1);
    // The bridge's own token is no session that could be ended.
    let logout = "/_matrix/client/v3/logout";
    server.send(Method::POST, logout, Some(AS_TOKEN), Some(json!({}))).await.ok();
    server.bridge(Method::GET, WHOAMI, None).await.ok();
}
