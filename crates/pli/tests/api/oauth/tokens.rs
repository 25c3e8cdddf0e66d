use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{DEVICE, Tokens, app_metadata, person};
use crate::support::{PASSWORD, TestServer};

/// An app that can't refresh its token signs people out every five minutes.
#[tokio::test]
async fn an_app_stays_signed_in_by_refreshing() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let first = server.let_in(&client_id, "claire", DEVICE).await;
    server.clock.advance(Duration::from_secs(301));
    let expired = server.whoami(&first.access).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(expired["soft_logout"], true);

    let second = Tokens::of(&server.refresh_app(&client_id, &first.refresh).await.ok());
    // The answer got lost: the same request again.
    let third = Tokens::of(&server.refresh_app(&client_id, &first.refresh).await.ok());
    server.whoami(&second.access).await.refused(401, "M_UNKNOWN_TOKEN");
    let me = server.whoami(&third.access).await.ok();
    assert_eq!(me["device_id"], DEVICE);
}

/// A stolen refresh token must not keep working beside the real one.
#[tokio::test]
async fn an_old_refresh_token_ends_the_session() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let first = server.let_in(&client_id, "claire", DEVICE).await;
    let second = Tokens::of(&server.refresh_app(&client_id, &first.refresh).await.ok());
    server.whoami(&second.access).await.ok();
    server.refresh_app(&client_id, &first.refresh).await.oauth_refused(400, "invalid_grant");
    server.whoami(&second.access).await.refused(401, "M_UNKNOWN_TOKEN");
    server.refresh_app(&client_id, &second.refresh).await.oauth_refused(400, "invalid_grant");
}

/// Tokens must not wander from one app to another, nor from one way of signing in to the other.
#[tokio::test]
async fn only_the_app_that_got_a_token_refreshes_it() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let mut other = app_metadata();
    other["client_name"] = json!("Another");
    let other = server.register_app(other).await;
    let tokens = server.let_in(&client_id, "claire", DEVICE).await;

    server.refresh_app(&other, &tokens.refresh).await.oauth_refused(400, "invalid_grant");
    server.refresh_app("nobody", &tokens.refresh).await.oauth_refused(401, "invalid_client");
    let body = json!({ "refresh_token": tokens.refresh });
    let path = "/_matrix/client/v3/refresh";
    let answer = server.send(Method::POST, path, None, Some(body)).await;
    answer.refused(401, "M_UNKNOWN_TOKEN");

    let body = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": "claire" },
        "password": PASSWORD,
        "refresh_token": true,
    });
    let path = "/_matrix/client/v3/login";
    let legacy = server.send(Method::POST, path, None, Some(body)).await.ok();
    let refresh_token = legacy["refresh_token"].as_str().unwrap();
    server.refresh_app(&client_id, refresh_token).await.oauth_refused(400, "invalid_grant");
    // And nothing was spoilt.
    server.refresh_app(&client_id, &tokens.refresh).await.ok();
}

/// Signing out in an app must sign out.
#[tokio::test]
async fn an_app_signs_out_by_either_token() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    for (device_id, by_refresh_token) in [("FIRST", false), ("SECOND", true)] {
        let tokens = server.let_in(&client_id, "claire", device_id).await;
        let token = if by_refresh_token { &tokens.refresh } else { &tokens.access };
        let parameters = [("token", token.as_str()), ("client_id", client_id.as_str())];
        server.oauth("/oauth2/revoke", &parameters).await.ok();
        server.whoami(&tokens.access).await.refused(401, "M_UNKNOWN_TOKEN");
        server.refresh_app(&client_id, &tokens.refresh).await.oauth_refused(400, "invalid_grant");
        let path = format!("/_matrix/client/v3/devices/{device_id}");
        server.get(&claire, &path).await.refused(404, "M_NOT_FOUND");
        // Once more is fine.
        server.oauth("/oauth2/revoke", &parameters).await.ok();
    }
    // Whoever finds a leaked token can end it without knowing whose it is.
    let tokens = server.let_in(&client_id, "claire", "THIRD").await;
    server.oauth("/oauth2/revoke", &[("token", &tokens.access)]).await.ok();
    server.whoami(&tokens.access).await.refused(401, "M_UNKNOWN_TOKEN");
    server.oauth("/oauth2/revoke", &[("token", "no token at all")]).await.ok();
    server.oauth("/oauth2/revoke", &[]).await.oauth_refused(400, "invalid_request");
}

/// Apps that know the older way sign out by it.
#[tokio::test]
async fn an_app_signs_out_by_logout_too() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let tokens = server.let_in(&client_id, "claire", DEVICE).await;
    let app = person(&claire.user_id, DEVICE, &tokens);
    server.post(&app, "/_matrix/client/v3/logout", json!({})).await.ok();
    server.whoami(&tokens.access).await.refused(401, "M_UNKNOWN_TOKEN");
    server.refresh_app(&client_id, &tokens.refresh).await.oauth_refused(400, "invalid_grant");
}

/// An app that a person let in must not ask for the password by the back door.
#[tokio::test]
async fn an_app_cannot_do_what_needs_the_password() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let tokens = server.let_in(&client_id, "claire", DEVICE).await;
    let app = person(&claire.user_id, DEVICE, &tokens);
    let auth = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": "claire" },
        "password": PASSWORD,
    });
    let client = "/_matrix/client/v3";
    let device = format!("{client}/devices/{}", claire.device_id);
    let body = Some(json!({ "auth": auth }));
    let answer = server.send(Method::DELETE, &device, Some(&app.access_token), body).await;
    answer.refused(403, "M_FORBIDDEN");
    for (path, mut body) in [
        ("/delete_devices", json!({ "devices": [claire.device_id] })),
        ("/account/deactivate", json!({})),
        ("/account/password", json!({ "new_password": "another good password" })),
        ("/account/3pid/add", json!({ "sid": "a", "client_secret": "b" })),
    ] {
        body["auth"] = auth.clone();
        let path = format!("{client}{path}");
        server.post(&app, &path, body).await.refused(403, "M_FORBIDDEN");
    }
    let body = json!({ "auth": auth });
    server.post(&app, "/_matrix/client/v1/login/get_token", body).await.refused(403, "M_FORBIDDEN");
    server.whoami(&claire.access_token).await.ok();
}

/// Whatever comes, the endpoint answers in the words that apps know.
#[tokio::test]
async fn the_token_endpoint_says_what_is_wrong() {
    let server = TestServer::start().await;
    let client_id = server.register_app(app_metadata()).await;
    let id = client_id.as_str();
    let code = "authorization_code";
    for (parameters, status, error) in [
        (vec![], 400, "invalid_request"),
        (vec![("grant_type", code)], 400, "invalid_request"),
        (vec![("client_id", id)], 400, "invalid_request"),
        (vec![("client_id", id), ("grant_type", code)], 400, "invalid_request"),
        (vec![("client_id", id), ("grant_type", "refresh_token")], 400, "invalid_request"),
        (vec![("client_id", id), ("grant_type", "password")], 400, "unsupported_grant_type"),
        (vec![("client_id", id), ("client_id", id)], 400, "invalid_request"),
        (
            vec![("client_id", id), ("grant_type", "refresh_token"), ("refresh_token", "x")],
            400,
            "invalid_grant",
        ),
    ] {
        server.oauth("/oauth2/token", &parameters).await.oauth_refused(status, error);
    }
    let body = json!({ "client_id": id, "grant_type": "refresh_token", "refresh_token": "x" });
    let answer = server.send(Method::POST, "/oauth2/token", None, Some(body)).await;
    answer.oauth_refused(400, "invalid_request");
    let answer = server.send(Method::GET, "/oauth2/token", None, None).await;
    answer.refused(405, "M_UNRECOGNIZED");
}
