use std::time::Duration;

use serde_json::json;

use super::{
    DEVICE, REDIRECT, Tokens, VERIFIER, app_metadata, authorize_path, browser::Browser, person,
    scope,
};
use crate::support::{PASSWORD, TestServer};

/// The whole way of an app that knows no passwords: if it breaks, nobody signs in with it.
#[tokio::test]
async fn somebody_lets_an_app_in() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;

    let mut browser = Browser::new(&server);
    let question = browser.sign_in("claire", PASSWORD, &authorize_path(&client_id, &[])).await;
    question.says("Boîte aux lettres");
    question.says("example.com");
    question.says("@claire:pli.test");
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().unwrap().starts_with(&format!("{REDIRECT}?")));
    assert_eq!(answer.parameter("state").unwrap(), "a state/of the app");

    let code = answer.parameter("code").unwrap();
    let granted = server.exchange(&client_id, &code, VERIFIER).await;
    assert_eq!(granted.headers["cache-control"], "no-store");
    let granted = granted.ok();
    assert_eq!(granted["token_type"], "Bearer");
    assert_eq!(granted["scope"], scope(DEVICE));
    assert!(granted["expires_in"].as_u64().unwrap() > 0);
    let tokens = Tokens::of(&granted);
    let me = server.whoami(&tokens.access).await.ok();
    assert_eq!(me["user_id"], claire.user_id);
    assert_eq!(me["device_id"], DEVICE);

    // It is a device like any other.
    let path = format!("/_matrix/client/v3/devices/{DEVICE}");
    let device = server.get(&claire, &path).await.ok();
    assert_eq!(device["display_name"], "Boîte aux lettres");
}

/// Apps of before the stable names, in a language, with the answer where no server sees it.
#[tokio::test]
async fn an_app_gets_its_answer_in_the_fragment() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let scope = "openid urn:matrix:org.matrix.msc2967.client:api:* \
                 urn:matrix:org.matrix.msc2967.client:device:OLDNAMES";
    let path = authorize_path(
        &client_id,
        &[("response_mode", "fragment"), ("scope", scope), ("state", "")],
    );
    let mut browser = Browser::new(&server);
    browser.language = "fr";
    let question = browser.sign_in("@claire:pli.test", PASSWORD, &path).await;
    question.says("Vous connecter à");
    question.says("<html lang=\"fr\">");
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    assert!(answer.location().unwrap().starts_with(&format!("{REDIRECT}#code=")));
    let code = answer.parameter("code").unwrap();
    let granted = server.exchange(&client_id, &code, VERIFIER).await.ok();
    assert!(
        !granted["scope"].as_str().unwrap().contains("openid"),
        "what isn't granted isn't said"
    );
}

/// Phones and desks: an app on the loopback interface takes whatever port is free.
#[tokio::test]
async fn native_apps_are_answered_on_any_port() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let mut metadata = app_metadata();
    metadata["application_type"] = json!("native");
    metadata["redirect_uris"] = json!(["http://127.0.0.1/", "com.example.app:/callback"]);
    let client_id = server.register_app(metadata).await;
    let mut browser = Browser::new(&server);
    let path = authorize_path(&client_id, &[("redirect_uri", "http://127.0.0.1:4711/")]);
    let question = browser.sign_in("claire", PASSWORD, &path).await;
    let policy = question.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:4711;"), "{policy}");
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    assert!(answer.location().unwrap().starts_with("http://127.0.0.1:4711/?"));

    let path = authorize_path(&client_id, &[("redirect_uri", "com.example.app:/callback")]);
    let question = browser.open(&path).await;
    let policy = question.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' com.example.app:;"), "{policy}");
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    assert!(answer.location().unwrap().starts_with("com.example.app:/callback?"));
}

/// Who says no must be able to say so.
#[tokio::test]
async fn an_app_that_is_refused_hears_of_it_and_gets_nothing() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let mut browser = Browser::new(&server);
    let question = browser.sign_in("claire", PASSWORD, &authorize_path(&client_id, &[])).await;
    let answer = browser.submit(&question, &[("decision", "deny")]).await;
    assert_eq!(answer.parameter("error").unwrap(), "access_denied");
    assert_eq!(answer.parameter("state").unwrap(), "a state/of the app");
    assert!(answer.parameter("code").is_none());
}

/// Whoever intercepts a code must not be able to use it.
#[tokio::test]
async fn a_code_is_worth_nothing_without_the_apps_secret() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let code = server.code(&client_id, "claire", &[]).await;
    let wrong = "another-secret-that-the-app-never-had-00000000";
    server.exchange(&client_id, &code, wrong).await.oauth_refused(400, "invalid_grant");
    // Nor is it worth anything to the app after somebody tried.
    server.exchange(&client_id, &code, VERIFIER).await.oauth_refused(400, "invalid_grant");
    server.exchange(&client_id, &code, "short").await.oauth_refused(400, "invalid_grant");
}

/// A code that comes twice was stolen: what came of it must end.
#[tokio::test]
async fn a_code_that_is_used_twice_ends_the_session_that_came_of_it() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let code = server.code(&client_id, "claire", &[]).await;
    let tokens = Tokens::of(&server.exchange(&client_id, &code, VERIFIER).await.ok());
    server.whoami(&tokens.access).await.ok();
    server.exchange(&client_id, &code, VERIFIER).await.oauth_refused(400, "invalid_grant");
    server.whoami(&tokens.access).await.refused(401, "M_UNKNOWN_TOKEN");
    server.refresh_app(&client_id, &tokens.refresh).await.oauth_refused(400, "invalid_grant");
}

#[tokio::test]
async fn a_code_does_not_wait_for_long() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let code = server.code(&client_id, "claire", &[]).await;
    server.clock.advance(Duration::from_secs(121));
    server.exchange(&client_id, &code, VERIFIER).await.oauth_refused(400, "invalid_grant");
}

/// A code for one app must not let in another one, nor one that says it is elsewhere.
#[tokio::test]
async fn a_code_is_for_one_app_at_one_address() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let mut other = app_metadata();
    other["client_name"] = json!("Another");
    let other = server.register_app(other).await;
    let code = server.code(&client_id, "claire", &[]).await;
    server.exchange(&other, &code, VERIFIER).await.oauth_refused(400, "invalid_grant");
    server.exchange("nobody", &code, VERIFIER).await.oauth_refused(401, "invalid_client");
    let parameters = [
        ("grant_type", "authorization_code"),
        ("client_id", client_id.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", "https://app.example.com/elsewhere"),
        ("code_verifier", VERIFIER),
    ];
    server.oauth("/oauth2/token", &parameters).await.oauth_refused(400, "invalid_grant");
}

/// The same device once more: the old session ends, and the device with its keys stays.
#[tokio::test]
async fn a_device_can_be_signed_in_again() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let first = server.let_in(&client_id, "claire", DEVICE).await;
    let second = server.let_in(&client_id, "claire", DEVICE).await;
    server.whoami(&first.access).await.refused(401, "M_UNKNOWN_TOKEN");
    server.whoami(&second.access).await.ok();
    let app = person(&claire.user_id, DEVICE, &second);
    let devices = server.get(&app, "/_matrix/client/v3/devices").await.ok();
    assert_eq!(devices["devices"].as_array().unwrap().len(), 2);
}

/// An address with a mistake in it must not send anybody anywhere: a stranger may have written it.
#[tokio::test]
async fn a_wrong_request_leads_nowhere() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let mut browser = Browser::new(&server);
    // Where it isn't certain who asks, not even a link leads on.
    for changes in [
        [("redirect_uri", "https://evil.test/callback")],
        [("redirect_uri", "https://app.example.com/callback/../elsewhere")],
        [("redirect_uri", "https://app.example.com/callback?more")],
        [("redirect_uri", "")],
        [("client_id", "nobody")],
        [("client_id", "")],
    ] {
        let page = browser.get(&authorize_path(&client_id, &changes)).await;
        assert_eq!(page.status, 400, "{changes:?}");
        assert!(page.location().is_none(), "{changes:?}");
        assert!(!page.html.contains("evil.test"), "{}", page.html);
        assert!(!page.html.contains("href="), "{}", page.html);
    }
    for (changes, error) in [
        (("scope", "urn:matrix:client:api:*"), "invalid_scope"),
        (("scope", "urn:matrix:client:device:ABC"), "invalid_scope"),
        (("scope", ""), "invalid_scope"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "unsupported_response_type"),
        (("response_mode", "form_post"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "too-short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
    ] {
        let page = browser.get(&authorize_path(&client_id, &[changes])).await;
        assert_eq!(page.status, 400, "{changes:?}");
        assert!(page.location().is_none(), "nobody is led on unasked: {changes:?}");
        page.says(&format!("error={error}"));
        page.says("Back to app.example.com");
    }
    let twice = format!("{}&client_id=other", authorize_path(&client_id, &[]));
    assert_eq!(browser.get(&twice).await.status, 400);
}

/// Whoever is thrown out must not come back with a code from before.
#[tokio::test]
async fn a_deactivated_account_opens_no_session() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let code = server.code(&client_id, "claire", &[]).await;
    let body = json!({
        "auth": {
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": "claire" },
            "password": PASSWORD,
        },
    });
    server.post(&claire, "/_matrix/client/v3/account/deactivate", body).await.ok();
    server.exchange(&client_id, &code, VERIFIER).await.oauth_refused(400, "invalid_grant");
}
