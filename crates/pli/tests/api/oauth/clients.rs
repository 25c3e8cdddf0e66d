use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{REDIRECT, app_metadata, authorize_path, browser::Browser};
use crate::support::{Answer, TestServer};

async fn register(server: &TestServer, body: Value) -> Answer {
    server.send(Method::POST, "/oauth2/register", None, Some(body)).await
}

/// How many apps a server on a disk keeps.
async fn kept(server: &TestServer) -> u64 {
    const APPS: &str = "oauth_clients";
    let url = format!("sqlite:{}", server.folder.path().join("pli.db").display());
    let store = pli_store::Store::open_read_only(&url).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    if !snapshot.keyspaces().await.unwrap().iter().any(|name| name == APPS) {
        return 0;
    }
    snapshot.keyspace_size(APPS).await.unwrap().rows
}

/// A thousand phones with the same app must not be a thousand rows.
#[tokio::test]
async fn an_app_registers_once_however_often_it_asks() {
    let server = TestServer::start_on_disk().await;
    let first = register(&server, app_metadata()).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.body["redirect_uris"], json!([REDIRECT]));
    assert_eq!(first.body["token_endpoint_auth_method"], "none");
    assert!(first.body["client_id_issued_at"].is_u64());
    let second = register(&server, app_metadata()).await;
    assert_eq!(first.body["client_id"], second.body["client_id"]);
    assert_eq!(kept(&server).await, 1);

    let mut other = app_metadata();
    other["client_name"] = json!("Another");
    let other = register(&server, other).await;
    assert_ne!(first.body["client_id"], other.body["client_id"]);
}

/// Who could register somebody else's address would be sent their codes.
#[tokio::test]
async fn an_app_registers_only_addresses_that_are_its_own() {
    let server = TestServer::start_on_disk().await;
    for (field, value, error) in [
        ("redirect_uris", json!(["https://evil.test/"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["http://app.example.com/"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["javascript:alert(1)"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["https://app.example.com/#a"]), "invalid_redirect_uri"),
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ("redirect_uris", json!(7), "invalid_client_metadata"),
        ("client_uri", json!("http://example.com/"), "invalid_client_metadata"),
        ("client_uri", Value::Null, "invalid_client_metadata"),
        ("logo_uri", json!("https://evil.test/logo.png"), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("client_secret_post"), "invalid_client_metadata"),
        ("application_type", json!("toaster"), "invalid_client_metadata"),
        ("client_name", json!("x".repeat(1_000)), "invalid_client_metadata"),
    ] {
        let mut metadata = app_metadata();
        metadata[field] = value;
        register(&server, metadata).await.oauth_refused(400, error);
    }
    for body in ["", "[]", "{", "7"] {
        let answer = server.send_bytes(Method::POST, "/oauth2/register", None, body).await;
        answer.oauth_refused(400, "invalid_client_metadata");
    }
    assert_eq!(kept(&server).await, 0, "nothing is kept of what is refused");
}

/// Registrations that nobody uses must not pile up; one that somebody uses must not vanish.
#[tokio::test]
async fn an_app_that_nobody_uses_is_forgotten_after_a_day() {
    let mut server = TestServer::start_on_disk().await;
    server.sign_up("claire").await;
    let used = server.register_app(app_metadata()).await;
    let tokens = server.let_in(&used, "claire", "USED").await;
    let mut unused = app_metadata();
    unused["client_name"] = json!("Unused");
    let unused = server.register_app(unused).await;

    server.clock.advance(Duration::from_secs(25 * 60 * 60));
    server.restart().await;
    let path = authorize_path(&unused, &[]);
    server
        .until(async || {
            Browser::new(&server).get(&path).await.html.contains("not known here any more")
        })
        .await;
    server.refresh_app(&used, &tokens.refresh).await.ok();
}

/// Somebody who registers without end must be stopped, from wherever they come.
#[tokio::test]
async fn a_flood_of_apps_is_stopped() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\nrate_limits.enabled = true",
    )
    .await;
    let mut refused = None;
    for number in 0..200 {
        let mut metadata = app_metadata();
        metadata["client_name"] = json!(format!("App {number}"));
        let answer = register(&server, metadata).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("nobody stopped it");
    assert!(refused.headers.contains_key("retry-after"));
    refused.oauth_refused(429, "temporarily_unavailable");
}
