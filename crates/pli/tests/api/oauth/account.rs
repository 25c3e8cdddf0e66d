use std::time::Duration;

use serde_json::json;

use super::{DEVICE, app_metadata, browser::Browser};
use crate::support::{PASSWORD, TestServer};

fn page(action: &str) -> String {
    format!("/oauth2/account?action={action}")
}

#[tokio::test]
async fn people_change_their_name() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room = server.create_room(&claire, json!({})).await;
    let mut browser = Browser::new(&server);
    let form = browser.sign_in("claire", PASSWORD, &page("org.matrix.profile")).await;
    let changed = browser.submit(&form, &[("displayname", " Claire Martin ")]).await;
    changed.says("Your name is changed");
    changed.says("value=\"Claire Martin\"");
    let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.member/{}", claire.user_id);
    server
        .until(async || {
            server.get(&claire, &path).await.ok()["displayname"] == json!("Claire Martin")
        })
        .await;
    let refused = browser.submit(&form, &[("displayname", "")]).await;
    assert_eq!(refused.status, 400);
}

/// Who lost a phone signs it out here; so do apps, which can't do it themselves.
#[tokio::test]
async fn people_see_their_devices_and_sign_one_out() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let tokens = server.let_in(&client_id, "claire", DEVICE).await;
    server.whoami(&tokens.access).await.ok();
    let mut browser = Browser::new(&server);
    for action in ["org.matrix.devices_list", "org.matrix.sessions_list", "org.matrix.device_view"]
    {
        let path = page(action);
        let list = match browser.cookies_are_empty() {
            true => browser.sign_in("claire", PASSWORD, &path).await,
            false => browser.open(&path).await,
        };
        list.says("Boîte aux lettres");
    }
    let view = page(&format!("org.matrix.session_view&device_id={DEVICE}"));
    let view = browser.open(&view).await;
    view.says("Boîte aux lettres");
    view.says("UTC, 127.0.0.1");

    let delete = page(&format!("org.matrix.device_delete&device_id={DEVICE}"));
    let question = browser.open(&delete).await;
    question.says("Sign this device out?");
    server.whoami(&tokens.access).await.ok();
    browser.submit(&question, &[]).await.says("The device is signed out");
    server.whoami(&tokens.access).await.refused(401, "M_UNKNOWN_TOKEN");
    let gone = browser.open(&delete).await;
    assert_eq!(gone.status, 404);
}

/// A link in a message must not be enough to sign somebody's devices out, on a browser left open.
#[tokio::test]
async fn what_cannot_be_undone_needs_the_password_again() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let mut browser = Browser::new(&server);
    let actions = [
        page(&format!("org.matrix.device_delete&device_id={DEVICE}")),
        page("org.matrix.account_deactivate"),
        page("org.matrix.cross_signing_reset"),
    ];
    browser.sign_in("claire", PASSWORD, "/oauth2/account").await;
    server.clock.advance(Duration::from_secs(10 * 60));
    for path in actions {
        let again = browser.open(&path).await;
        again.says("sign in once more");
        let csrf = again.hidden("csrf");
        let answer = browser.post(&path, &[("csrf", &csrf), ("confirm", "yes")]).await;
        assert!(answer.location().unwrap().starts_with("/oauth2/login?"), "{path}");
    }
    let again = browser.open(&page("org.matrix.account_deactivate")).await;
    let question = browser.submit(&again, &[("username", "claire"), ("password", PASSWORD)]).await;
    question.says("Delete your account?");
}

#[tokio::test]
async fn people_delete_their_account() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let tokens = server.let_in(&client_id, "claire", DEVICE).await;
    let mut browser = Browser::new(&server);
    let path = page("org.matrix.account_deactivate");
    let question = browser.sign_in("claire", PASSWORD, &path).await;
    let unsure = browser.submit(&question, &[]).await;
    assert_eq!(unsure.status, 400);
    server.whoami(&tokens.access).await.ok();
    browser.submit(&question, &[("confirm", "yes")]).await.says("Your account is deleted");
    server.whoami(&tokens.access).await.refused(401, "M_UNKNOWN_TOKEN");
    server.whoami(&claire.access_token).await.refused(401, "M_UNKNOWN_TOKEN");
    browser.open("/oauth2/account").await.says("name=\"password\"");
}

/// Whoever fears that somebody knows their password changes it in the browser; whoever finds that
/// browser open does not.
#[tokio::test]
async fn people_change_their_password() {
    const NEW: &str = "another horse, another battery";
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let mut browser = Browser::new(&server);
    let everything = browser.sign_in("claire", PASSWORD, "/oauth2/account").await;
    everything.says("Your password");
    let form = browser.open(&page("pli.password")).await;
    let fields = |old: &'static str, new: &'static str, again: &'static str| {
        [("password", old), ("new_password", new), ("repeated", again)]
    };
    let wrong = browser.submit(&form, &fields("a guess", NEW, NEW)).await;
    assert_eq!(wrong.status, 403);
    wrong.says("The current password is wrong");
    let unlike = browser.submit(&form, &fields(PASSWORD, NEW, "something else")).await;
    assert_eq!(unlike.status, 400);
    let short = browser.submit(&form, &fields(PASSWORD, "short", "short")).await;
    assert_eq!(short.status, 400);
    short.says("too short");

    // The clock has to move for the sessions before the change to be older than it.
    server.clock.advance(Duration::from_secs(1));
    let mut other = Browser::new(&server);
    other.sign_in("claire", PASSWORD, "/oauth2/account").await.says("Your devices");
    server.clock.advance(Duration::from_secs(1));
    let changed = browser.submit(&form, &fields(PASSWORD, NEW, NEW)).await;
    changed.says("Your password is changed");
    browser.open("/oauth2/account").await.says("Your devices");
    other.open("/oauth2/account").await.says("name=\"password\"");
    let whoami = "/_matrix/client/v3/account/whoami";
    server.get(&claire, whoami).await.ok();
    let mut again = Browser::new(&server);
    again.sign_in("claire", NEW, "/oauth2/account").await.says("Your devices");

    let form = again.open(&page("pli.password")).await;
    let mut everywhere = fields(NEW, PASSWORD, PASSWORD).to_vec();
    everywhere.push(("sign_out", "yes"));
    again.submit(&form, &everywhere).await.says("Your password is changed");
    server.get(&claire, whoami).await.refused(401, "M_UNKNOWN_TOKEN");
    again.language = "fr";
    again.open(&page("pli.password")).await.says("Nouveau mot de passe");
}
