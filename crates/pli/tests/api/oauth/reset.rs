use std::time::Duration;

use ruma::{
    serde::{Base64, base64::Standard},
    signatures::Ed25519KeyPair,
};
use serde_json::{Value, json};

use super::{DEVICE, app_metadata, browser::Browser, person};
use crate::support::{PASSWORD, Person, TestServer};

const PATH: &str = "/_matrix/client/v3/keys/device_signing/upload";
const PAGE: &str = "/oauth2/account?action=org.matrix.cross_signing_reset";

/// A new identity: its master key is enough for this.
fn master_key(user_id: &str) -> Value {
    let document = Ed25519KeyPair::generate();
    let pair = Ed25519KeyPair::from_der(&document, "1".to_owned()).unwrap();
    let public_key = Base64::<Standard, _>::new(pair.public_key().to_vec()).encode();
    json!({
        "master_key": {
            "user_id": user_id,
            "usage": ["master"],
            "keys": { format!("ed25519:{public_key}"): public_key },
        },
    })
}

async fn app_of(server: &TestServer) -> Person {
    let claire = server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let tokens = server.let_in(&client_id, "claire", DEVICE).await;
    person(&claire.user_id, DEVICE, &tokens)
}

async fn approve(server: &TestServer) {
    let mut browser = Browser::new(server);
    let question = browser.sign_in("claire", PASSWORD, PAGE).await;
    question.says("Reset your digital identity?");
    browser.submit(&question, &[]).await.says("The reset is allowed");
}

fn with_session(mut keys: Value, session: &Value) -> Value {
    keys["auth"] = json!({ "session": session });
    keys
}

/// Who lost all devices and the recovery code starts again; who stole one session must not.
#[tokio::test]
async fn an_app_replaces_the_identity_once_its_owner_approved() {
    let server = TestServer::start().await;
    let app = app_of(&server).await;
    // The first keys need nothing.
    server.post(&app, PATH, master_key(&app.user_id)).await.ok();

    let next = master_key(&app.user_id);
    let asked = server.post(&app, PATH, next.clone()).await;
    assert_eq!(asked.status, 401);
    let stages: Vec<_> =
        asked.body["flows"].as_array().unwrap().iter().map(|flow| &flow["stages"][0]).collect();
    assert_eq!(stages, ["m.oauth", "org.matrix.cross_signing_reset"]);
    for name in ["m.oauth", "org.matrix.cross_signing_reset"] {
        assert_eq!(asked.body["params"][name]["url"], format!("http://pli.test{PAGE}"));
    }
    let session = &asked.body["session"];
    // Not approved yet; a password is no way round.
    let again = server.post(&app, PATH, with_session(next.clone(), session)).await;
    assert_eq!(again.status, 401);
    let mut by_password = next.clone();
    by_password["auth"] = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": "claire" },
        "password": PASSWORD,
        "session": session,
    });
    server.post(&app, PATH, by_password).await.refused(400, "M_INVALID_PARAM");

    approve(&server).await;
    server.post(&app, PATH, with_session(next.clone(), session)).await.ok();
    // Once: whoever comes next has to ask again.
    let third = master_key(&app.user_id);
    let asked = server.post(&app, PATH, with_session(third.clone(), session)).await;
    assert_eq!(asked.status, 401);
}

/// An approval that nobody used must not stay open.
#[tokio::test]
async fn an_approval_ends_after_ten_minutes() {
    let server = TestServer::start().await;
    let app = app_of(&server).await;
    server.post(&app, PATH, master_key(&app.user_id)).await.ok();
    let next = master_key(&app.user_id);
    approve(&server).await;
    server.clock.advance(Duration::from_secs(601));
    let app = app_of_again(&server).await;
    let asked = server.post(&app, PATH, next.clone()).await;
    let session = &asked.body["session"];
    let again = server.post(&app, PATH, with_session(next, session)).await;
    assert_eq!(again.status, 401);
}

async fn app_of_again(server: &TestServer) -> Person {
    let client_id = server.register_app(app_metadata()).await;
    let tokens = server.let_in(&client_id, "claire", DEVICE).await;
    person("@claire:pli.test", DEVICE, &tokens)
}

/// One's own approval must not open somebody else's identity, nor that of a session with a password.
#[tokio::test]
async fn an_approval_is_for_ones_own_apps() {
    let server = TestServer::start().await;
    let app = app_of(&server).await;
    let samir = server.sign_up("samir").await;
    server.post(&samir, PATH, master_key(&samir.user_id)).await.ok();
    server.post(&app, PATH, master_key(&app.user_id)).await.ok();
    approve(&server).await;
    let next = master_key(&samir.user_id);
    let asked = server.post(&samir, PATH, next.clone()).await;
    assert_eq!(asked.body["flows"], json!([{ "stages": ["m.login.password"] }]));
    let again = server.post(&samir, PATH, with_session(next, &asked.body["session"])).await;
    assert_eq!(again.status, 401);
}
