use std::time::Duration;

use pli_store::ambient::{Clock, SystemClock};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Provider, START, server, sign_in, sign_in_app};
use crate::{
    oauth::browser::Browser,
    support::{Person, TestServer},
};

const PATH: &str = "/oauth2/upstream/agents/backchannel-logout";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

async fn is_signed_in(server: &TestServer, person: &Person) -> bool {
    let path = "/_matrix/client/v3/account/whoami";
    let answer = server.send(Method::GET, path, Some(&person.access_token), None).await;
    if answer.status == StatusCode::OK {
        return true;
    }
    // The app keeps its keys: whoever signs in again on it can read everything.
    let body = answer.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(body["soft_logout"], true);
    false
}

fn logout_token(provider: &Provider) -> Value {
    let now = SystemClock.now_ms() / 1000;
    json!({
        "iss": provider.issuer,
        "aud": "pli",
        "iat": now,
        "exp": now + 120,
        "jti": "one of its kind",
        "sub": "claire",
        "events": { EVENT: {} },
    })
}

async fn send(server: &TestServer, token: &str) -> (StatusCode, Value) {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let request = server
        .http
        .post(server.url(PATH))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.append_pair("logout_token", token).finish());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let status = answer.status();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

/// Who signs out at work's sign-in service, or is signed out there, would stay signed in here.
#[tokio::test]
async fn what_came_of_a_session_elsewhere_ends_with_it() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let mut visitor = provider.visitor();
    let mut browser = Browser::new(&server);
    let page = sign_in(&mut browser, &mut visitor, "claire", START).await;
    page.says("@claire.martin:pli.test");
    let app = sign_in_app(&server, &mut visitor, "claire").await;
    // A device that this one let in, as by a QR code.
    let followed = followed(&server, &mut browser).await;
    // Another session at the provider, on another machine.
    let elsewhere = sign_in_app(&server, &mut provider.visitor(), "claire").await;
    let sid = provider.sid_of(&visitor).await;

    provider.end(&server, "claire", Some(&sid)).await;
    assert!(!is_signed_in(&server, &app).await);
    assert!(!is_signed_in(&server, &followed).await);
    browser.open("/oauth2/account").await.says("Continue with AgentConnexion");
    assert!(is_signed_in(&server, &elsewhere).await);

    // The device is still there, and is signed in again.
    let devices = server.get(&elsewhere, "/_matrix/client/v3/devices").await.ok();
    let ids: Vec<_> =
        devices["devices"].as_array().unwrap().iter().map(|device| &device["device_id"]).collect();
    assert!(ids.contains(&&json!(app.device_id)), "{ids:?}");

    // Without a session, all of the person's.
    let (status, body) = send(&server, &provider.sign(&logout_token(&provider)).await).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(!is_signed_in(&server, &elsewhere).await);
    // It is no ban.
    let again = sign_in_app(&server, &mut visitor, "claire").await;
    assert!(is_signed_in(&server, &again).await);
}

/// A login token from before the end would open a session after it.
#[tokio::test]
async fn nothing_is_kept_to_come_back_with() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let mut browser = Browser::new(&server);
    let path = super::sso_path("/agents", super::SITE);
    let question = sign_in(&mut browser, &mut provider.visitor(), "claire", &path).await;
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    let login_token = answer.parameter("loginToken").unwrap();
    send(&server, &provider.sign(&logout_token(&provider)).await).await;
    let body = json!({ "type": "m.login.token", "token": login_token });
    let answer = server.send(Method::POST, "/_matrix/client/v3/login", None, Some(body)).await;
    answer.refused(403, "M_FORBIDDEN");
}

/// A stranger who can end sessions locks people out.
#[tokio::test]
async fn only_the_provider_ends_sessions() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let app = sign_in_app(&server, &mut provider.visitor(), "claire").await;
    let good = logout_token(&provider);
    let now = SystemClock.now_ms() / 1000;
    for (field, value) in [
        ("iss", json!("https://elsewhere.example")),
        ("aud", json!("another service")),
        ("aud", json!(["another service"])),
        ("iat", json!(null)),
        ("iat", json!(now + 3_600)),
        ("exp", json!(now - 3_600)),
        ("exp", json!("soon")),
        ("jti", json!(null)),
        ("jti", json!(7)),
        ("sub", json!(null)),
        ("sub", json!("x".repeat(256))),
        ("events", json!(null)),
        ("events", json!({})),
        ("events", json!({ EVENT: "now" })),
        ("nonce", json!("that of an ID token")),
    ] {
        let mut bad = good.clone();
        bad[field] = value.clone();
        if value.is_null() {
            bad.as_object_mut().unwrap().remove(field);
        }
        let (status, body) = send(&server, &provider.sign(&bad).await).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{field} {value}");
        assert_eq!(body["error"], "invalid_request", "{body}");
    }
    let token = provider.sign(&good).await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other_signature = format!("{signed}.A{}", &signature[1..]);
    let other_claims = token.replacen('.', ".x", 1);
    for bad in [other_signature.as_str(), other_claims.as_str(), signed, "", &"x".repeat(20_000)] {
        let (status, _) = send(&server, bad).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let nowhere = server.http.post(server.url(&PATH.replace("agents", "nowhere")));
    let nowhere = nowhere.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(nowhere.body("logout_token=x").send().await.unwrap().status(), 404);
    assert!(is_signed_in(&server, &app).await);

    // A good one is obeyed once.
    assert_eq!(send(&server, &token).await.0, StatusCode::OK);
    assert!(!is_signed_in(&server, &app).await);
    let again = sign_in_app(&server, &mut provider.visitor(), "claire").await;
    assert_eq!(send(&server, &token).await.0, StatusCode::BAD_REQUEST);
    assert!(is_signed_in(&server, &again).await);
    // One that is found later is worth nothing, known or not.
    server.clock.advance(Duration::from_secs(3_600));
    let mut old = good;
    old["jti"] = json!("another");
    assert_eq!(send(&server, &provider.sign(&old).await).await.0, StatusCode::BAD_REQUEST);
}

/// Strangers could have this server wait for a provider that is down, as often as they like.
#[tokio::test]
async fn what_is_no_logout_token_is_refused_without_asking_the_provider() {
    let mut provider = Provider::start().await;
    let good = logout_token(&provider);
    let mut other = good.clone();
    other["iss"] = json!("https://elsewhere.example");
    let (good, other) = (provider.sign(&good).await, provider.sign(&other).await);
    let server = server(&provider, "").await;
    provider.stop();
    for bad in ["", "x", "x.y.z", other.as_str()] {
        assert_eq!(send(&server, bad).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    // A good one is to come again once its keys can be had.
    assert_eq!(send(&server, &good).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn nobody_sends_logout_tokens_without_end() {
    let provider = Provider::start().await;
    let limits = "rate_limits.enabled = true\n";
    let server = super::server_of(&format!("{limits}{}", provider.config("agents", "pli"))).await;
    let mut statuses = Vec::new();
    while statuses.len() < 1_000 && statuses.last() != Some(&StatusCode::TOO_MANY_REQUESTS) {
        statuses.push(send(&server, "x").await.0);
    }
    assert_eq!(statuses.pop(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert!(statuses.iter().all(|status| *status == StatusCode::BAD_REQUEST), "{statuses:?}");
}

/// An app that somebody lets in from their browser (OAuth 2.0).
async fn followed(server: &TestServer, browser: &mut Browser<'_>) -> Person {
    let client_id = server.register_app(crate::oauth::app_metadata()).await;
    let question = browser.open(&crate::oauth::authorize_path(&client_id, &[])).await;
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    let code = answer.parameter("code").unwrap();
    let tokens = server.exchange(&client_id, &code, crate::oauth::VERIFIER).await.ok();
    let access_token = tokens["access_token"].as_str().unwrap().to_owned();
    let (user_id, device_id) = ("@claire.martin:pli.test".to_owned(), "DEVICEOFAPP".to_owned());
    Person { user_id, device_id, access_token }
}
