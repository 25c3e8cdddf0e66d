use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Tokens, app_metadata, browser::Browser, scope};
use crate::support::{Answer, PASSWORD, TestServer};

impl TestServer {
    async fn start_device(&self, client_id: &str, scope: &str) -> Answer {
        let parameters = [("client_id", client_id), ("scope", scope)];
        self.oauth("/oauth2/device", &parameters).await
    }

    async fn poll_device(&self, client_id: &str, started: &Value) -> Answer {
        let parameters = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", client_id),
            ("device_code", started["device_code"].as_str().unwrap()),
        ];
        self.oauth("/oauth2/token", &parameters).await
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Where the complete address leads, without its host.
fn path_of(started: &Value) -> String {
    text(&started["verification_uri_complete"]).strip_prefix("http://pli.test").unwrap().to_owned()
}

/// An app without a browser signs in by a code that is typed elsewhere: this is also how a new phone
/// signs in by QR code.
#[tokio::test]
async fn somebody_lets_an_app_in_by_its_code() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let started = server.start_device(&client_id, &scope("TELEVISION")).await.ok();
    assert_eq!(started["verification_uri"], "http://pli.test/link");
    assert_eq!(text(&started["user_code"]).len(), 9);
    let interval = Duration::from_secs(started["interval"].as_u64().unwrap());
    server.poll_device(&client_id, &started).await.oauth_refused(400, "authorization_pending");

    let mut browser = Browser::new(&server);
    let page = browser.sign_in("claire", PASSWORD, "/link").await;
    page.says("user_code");
    // People don't type it as it stands there.
    let typed = text(&started["user_code"]).to_lowercase().replace('-', " ");
    let question = browser.get(&format!("/link?{}", super::query(&[("user_code", &typed)]))).await;
    question.says("Boîte aux lettres");
    question.says("only if you started this yourself");
    browser.submit(&question, &[("decision", "allow")]).await.says("The app is signed in");

    server.clock.advance(interval);
    let tokens = Tokens::of(&server.poll_device(&client_id, &started).await.ok());
    let me = server.whoami(&tokens.access).await.ok();
    assert_eq!(me["device_id"], "TELEVISION");
    server.refresh_app(&client_id, &tokens.refresh).await.ok();
    // The code is used up.
    server.clock.advance(interval);
    server.poll_device(&client_id, &started).await.oauth_refused(400, "invalid_grant");
    browser.get(&path_of(&started)).await.says("No app waits for this code");
}

#[tokio::test]
async fn an_app_that_is_refused_by_its_code_hears_of_it() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let started = server.start_device(&client_id, &scope("TELEVISION")).await.ok();
    let mut browser = Browser::new(&server);
    let question = browser.sign_in("claire", PASSWORD, &path_of(&started)).await;
    browser.submit(&question, &[("decision", "deny")]).await.says("not let in");
    server.poll_device(&client_id, &started).await.oauth_refused(400, "access_denied");
}

/// An impatient app must be told to slow down, not served.
#[tokio::test]
async fn an_app_asks_no_more_often_than_it_may() {
    let server = TestServer::start().await;
    let client_id = server.register_app(app_metadata()).await;
    let started = server.start_device(&client_id, &scope("TELEVISION")).await.ok();
    server.poll_device(&client_id, &started).await.oauth_refused(400, "authorization_pending");
    server.poll_device(&client_id, &started).await.oauth_refused(400, "slow_down");
    server.clock.advance(Duration::from_secs(5));
    server.poll_device(&client_id, &started).await.oauth_refused(400, "slow_down");
    server.clock.advance(Duration::from_secs(15));
    server.poll_device(&client_id, &started).await.oauth_refused(400, "authorization_pending");
    server.clock.advance(Duration::from_secs(600));
    server.poll_device(&client_id, &started).await.oauth_refused(400, "expired_token");
}

/// Who tries codes until one fits would let a stranger's app into their own account, or spoil what
/// others are doing.
#[tokio::test]
async fn nobody_finds_a_code_by_trying() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    server.sign_up("mallory").await;
    let client_id = server.register_app(app_metadata()).await;
    let started = server.start_device(&client_id, &scope("TELEVISION")).await.ok();
    let mut browser = Browser::new(&server);
    browser.sign_in("mallory", PASSWORD, "/link").await;
    for _ in 0..20 {
        let page = browser.get("/link?user_code=BBBB-BBBB").await;
        assert_eq!(page.status, 404);
    }
    // Not even the right one helps now.
    let page = browser.get(&path_of(&started)).await;
    assert_eq!(page.status, 429);
    page.says("Too many attempts");
    server.clock.advance(Duration::from_secs(9 * 60));
    assert_eq!(browser.get("/link?user_code=BBBB-BBBB").await.status, 429);

    // Others go on.
    let mut other = Browser::new(&server);
    other.sign_in("claire", PASSWORD, &path_of(&started)).await.says("Boîte aux lettres");
}

#[tokio::test]
async fn a_code_is_asked_for_properly() {
    let server = TestServer::start().await;
    let client_id = server.register_app(app_metadata()).await;
    server.start_device(&client_id, "").await.oauth_refused(400, "invalid_scope");
    server.start_device("nobody", &scope("A")).await.oauth_refused(401, "invalid_client");
    server.oauth("/oauth2/device", &[]).await.oauth_refused(400, "invalid_request");
    let mut metadata = app_metadata();
    metadata["grant_types"] = json!(["authorization_code"]);
    let without = server.register_app(metadata).await;
    let answer = server.start_device(&without, &scope("A")).await;
    answer.oauth_refused(400, "unauthorized_client");
    // Another app's code is nobody else's.
    let started = server.start_device(&client_id, &scope("A")).await.ok();
    server.poll_device(&without, &started).await.oauth_refused(400, "invalid_grant");
    let answer = server.send(Method::GET, "/oauth2/device", None, None).await;
    answer.refused(405, "M_UNRECOGNIZED");
}
