//! Signing in and out, over HTTP.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, TestServer};

const LOGIN: &str = "/_matrix/client/v3/login";
const REFRESH: &str = "/_matrix/client/v3/refresh";
const WHOAMI: &str = "/_matrix/client/v3/account/whoami";

fn by_password(user: &str, password: &str) -> Value {
    json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": user },
        "password": password,
    })
}

async fn post(server: &TestServer, path: &str, body: Value) -> Answer {
    server.send(Method::POST, path, None, Some(body)).await
}

async fn whoami(server: &TestServer, token: &Value) -> Answer {
    server.send(Method::GET, WHOAMI, token.as_str(), None).await
}

#[tokio::test]
async fn strangers_get_the_same_answer_for_unknown_people_and_wrong_passwords() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let known = post(&server, LOGIN, by_password("claire", "wrong password")).await;
    let unknown = post(&server, LOGIN, by_password("nobody", "wrong password")).await;
    assert_eq!(known.status, StatusCode::FORBIDDEN);
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));

    let password = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": "claire" },
        "password": PASSWORD,
    });
    let path = "/_matrix/client/v3/account/deactivate";
    server.post(&claire, path, json!({ "auth": password })).await.ok();
    let gone = post(&server, LOGIN, by_password("claire", "wrong password")).await;
    assert_eq!((gone.status, &gone.body), (unknown.status, &unknown.body));
    let owner = post(&server, LOGIN, by_password("claire", PASSWORD)).await;
    owner.refused(403, "M_USER_DEACTIVATED");
    server.get(&claire, WHOAMI).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn a_session_is_refreshed_and_a_stolen_refresh_token_ends_it() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let mut request = by_password("claire", PASSWORD);
    assert!(post(&server, LOGIN, request.clone()).await.ok().get("refresh_token").is_none());
    request["refresh_token"] = true.into();
    let first = post(&server, LOGIN, request).await.ok();
    assert_eq!(first["expires_in_ms"], 300_000);
    whoami(&server, &first["access_token"]).await.ok();

    server.clock.advance(Duration::from_secs(300));
    let expired = whoami(&server, &first["access_token"]).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(expired["soft_logout"], true);
    let exchange = json!({ "refresh_token": first["refresh_token"] });
    let second = post(&server, REFRESH, exchange.clone()).await.ok();
    whoami(&server, &second["access_token"]).await.ok();

    post(&server, REFRESH, exchange).await.refused(401, "M_UNKNOWN_TOKEN");
    whoami(&server, &second["access_token"]).await.refused(401, "M_UNKNOWN_TOKEN");
    let thief = json!({ "refresh_token": second["refresh_token"] });
    post(&server, REFRESH, thief).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn signing_out_ends_the_session_here_or_everywhere() {
    let server = TestServer::start().await;
    let here = server.sign_up("claire").await;
    let there = server.sign_in("claire").await;
    let third = server.sign_in("claire").await;
    server.post(&here, "/_matrix/client/v3/logout", json!({})).await.ok();
    let again = server.post(&here, "/_matrix/client/v3/logout", json!({})).await;
    assert_eq!(again.refused(401, "M_UNKNOWN_TOKEN")["soft_logout"], false);
    server.get(&there, WHOAMI).await.ok();
    server.post(&there, "/_matrix/client/v3/logout/all", json!({})).await.ok();
    server.get(&third, WHOAMI).await.refused(401, "M_UNKNOWN_TOKEN");
    server.send(Method::GET, WHOAMI, None, None).await.refused(401, "M_MISSING_TOKEN");
}

#[tokio::test]
async fn sessions_survive_a_restart() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    server.restart().await;
    let body = server.get(&claire, WHOAMI).await.ok();
    assert_eq!(body["user_id"], claire.user_id);
    assert_eq!(body["device_id"], claire.device_id);
}

#[tokio::test]
async fn the_server_says_how_one_can_sign_in_and_which_versions_it_speaks() {
    let server = TestServer::start().await;
    let flows = server.send(Method::GET, LOGIN, None, None).await.ok();
    assert_eq!(flows["flows"][0]["type"], "m.login.password");
    // A client with an expired token asks for the versions too.
    let versions =
        server.send(Method::GET, "/_matrix/client/versions", Some("expired"), None).await.ok();
    assert!(versions["versions"].as_array().unwrap().contains(&json!("v1.19")), "{versions}");
    let other = json!({ "type": "org.example.sso" });
    post(&server, LOGIN, other).await.refused(400, "M_UNKNOWN");
}

#[tokio::test]
async fn a_login_token_brings_another_device_in_once() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = "/_matrix/client/v1/login/get_token";
    let challenge = server.post(&claire, path, json!({})).await;
    assert_eq!(challenge.status, StatusCode::UNAUTHORIZED);
    let mut auth = by_password("claire", PASSWORD);
    auth["session"] = challenge.body["session"].clone();
    let issued = server.post(&claire, path, json!({ "auth": auth })).await.ok();
    let login = json!({ "type": "m.login.token", "token": issued["login_token"] });
    let session = post(&server, LOGIN, login.clone()).await.ok();
    assert_eq!(session["user_id"], claire.user_id);
    post(&server, LOGIN, login).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\nrate_limits.enabled = true",
    )
    .await;
    server.sign_up("claire").await;
    for _ in 0..100 {
        let answer = post(&server, LOGIN, by_password("claire", "wrong password")).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.headers.contains_key("retry-after"));
            answer.refused(429, "M_LIMIT_EXCEEDED");
            return;
        }
    }
    panic!("a hundred guesses went through");
}
