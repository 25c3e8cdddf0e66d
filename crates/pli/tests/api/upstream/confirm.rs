use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Provider, START, START_AGAIN, server, sign_in, sign_in_app};
use crate::{oauth::browser::Browser, support::PASSWORD};

/// Without a password there would be no way to confirm what needs it.
#[tokio::test]
async fn whoever_has_no_password_confirms_where_they_sign_in() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let mut visitor = provider.visitor();
    let lost = sign_in_app(&server, &mut visitor, "claire").await;
    let claire = sign_in_app(&server, &mut visitor, "claire").await;
    let path = format!("/_matrix/client/v3/devices/{}", lost.device_id);
    let asked = server.delete(&claire, &path).await;
    assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
    assert_eq!(asked.body["flows"], json!([{ "stages": ["m.login.sso"] }]));
    let session = asked.body["session"].as_str().unwrap().to_owned();
    let page = format!("/_matrix/client/v3/auth/m.login.sso/fallback/web?session={session}");

    // The app can't say so itself.
    let with = |auth| {
        server.send(
            Method::DELETE,
            &path,
            Some(&claire.access_token),
            Some(json!({ "auth": auth })),
        )
    };
    let only = json!({ "type": "m.login.sso", "session": session });
    assert_eq!(with(only.clone()).await.status, StatusCode::UNAUTHORIZED);
    let password = json!({
        "type": "m.login.password", "session": session, "password": PASSWORD,
        "identifier": { "type": "m.id.user", "user": claire.user_id },
    });
    with(password).await.refused(400, "M_INVALID_PARAM");

    // Nor can somebody else, who is signed in on the same browser.
    provider
        .knows("samir", json!({ "email": "samir@interieur.example", "email_verified": true }))
        .await;
    let mut browser = Browser::new(&server);
    sign_in(&mut browser, &mut provider.visitor(), "samir", START_AGAIN).await;
    let other = browser.open(&page).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    other.says("another account");

    let mut browser = Browser::new(&server);
    let login = browser.open(&page).await;
    login.says("Continue with AgentConnexion");
    sign_in(&mut browser, &mut visitor, "claire", START_AGAIN).await;
    let question = browser.open(&page).await;
    question.says("sign out devices of yours");
    let forged = browser.post(&page, &[("csrf", "x")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    browser.submit(&question, &[]).await.says("onAuthDone");
    with(only).await.ok();
    let devices = server.get(&claire, "/_matrix/client/v3/devices").await.ok();
    assert_eq!(devices["devices"].as_array().unwrap().len(), 1);
}

/// Whoever finds a browser that was left alone could confirm anything.
#[tokio::test]
async fn who_signed_in_long_ago_does_so_once_more() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let mut visitor = provider.visitor();
    let claire = sign_in_app(&server, &mut visitor, "claire").await;
    let path = format!("/_matrix/client/v3/devices/{}", claire.device_id);
    let asked = server.delete(&claire, &path).await;
    let session = asked.body["session"].as_str().unwrap();
    let page = format!("/_matrix/client/v3/auth/m.login.sso/fallback/web?session={session}");
    let mut browser = Browser::new(&server);
    sign_in(&mut browser, &mut visitor, "claire", START).await;
    server.clock.advance(Duration::from_secs(11 * 60));
    let login = browser.open(&page).await;
    login.says("sign in once more");
    let leaving = browser.submit(&login, &[("upstream", "agents")]).await;
    let start = leaving.html.split("0;url=").nth(1).unwrap().split('"').next().unwrap();
    let leaving = browser.open(&start.replace("&amp;", "&")).await;
    let leaving = leaving.location().unwrap();
    assert!(leaving.contains("&max_age=0"), "{leaving}");
    visitor.cancel(&leaving).await;
    assert_eq!(provider.asked().await["prompt"], "login");
}

/// Whoever finds a browser that is signed in at the provider could delete the account.
#[tokio::test]
async fn who_was_asked_nothing_has_not_proved_who_they_are() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let mut visitor = provider.visitor();
    let mut browser = Browser::new(&server);
    let deletion = "/oauth2/account?action=org.matrix.account_deactivate";
    sign_in(&mut browser, &mut visitor, "claire", START).await.says("@claire.martin:pli.test");
    browser.open(deletion).await.says("sign in once more");

    // A provider that was told to ask, and lets people through without that.
    let leaving = browser.open(START_AGAIN).await.location().unwrap();
    let unasked = leaving.replace("&max_age=0", "").replace("&prompt=login", "");
    assert!(!unasked.contains("max_age") && !unasked.contains("prompt"), "{unasked}");
    let back = visitor.sign_in(&unasked, "claire").await;
    let page = browser.open(&back).await;
    page.says("could not be verified");
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    browser.open(deletion).await.says("sign in once more");

    sign_in(&mut browser, &mut visitor, "claire", START_AGAIN).await;
    browser.open(deletion).await.says("Delete my account");
    // Signed in once more without a question, they have proved nothing either.
    sign_in(&mut browser, &mut visitor, "claire", START).await;
    browser.open(deletion).await.says("sign in once more");
}
