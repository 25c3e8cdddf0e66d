use serde_json::json;

use super::{DEVICE, VERIFIER, app_metadata, authorize_path, browser::Browser};
use crate::support::{PASSWORD, Person, TestServer};

const V1: &str = "/_matrix/client/v1/admin";

async fn administered() -> (TestServer, Person) {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
         registration.shared_secret = \"secret\"",
    )
    .await;
    let admin = server.sign_up_admin("hugo", "secret").await;
    (server, admin)
}

/// Whoever an administrator locked out would come back in through the browser; and whoever is let in
/// again would have to begin anew.
#[tokio::test]
async fn whose_account_is_locked_lets_no_app_in_and_keeps_those_that_are() {
    let (server, admin) = administered().await;
    let claire = server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let tokens = server.let_in(&client_id, "claire", DEVICE).await;
    let code = server.code(&client_id, "claire", &[]).await;
    let mut browser = Browser::new(&server);
    browser.sign_in("claire", PASSWORD, "/oauth2/account").await.says("Your devices");

    let path = format!("{V1}/lock/{}", claire.user_id);
    server.put(&admin, &path, json!({ "locked": true })).await.ok();
    server.exchange(&client_id, &code, VERIFIER).await.oauth_refused(400, "invalid_grant");
    let page = browser.open("/oauth2/account").await;
    let refused = browser.submit(&page, &[("username", "claire"), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 403);
    refused.says("This account is locked");
    let mut stranger = Browser::new(&server);
    let page = stranger.open(&authorize_path(&client_id, &[])).await;
    let refused = stranger.submit(&page, &[("username", "claire"), ("password", "a guess")]).await;
    assert!(!refused.html.contains("locked"), "only who knows the password learns it");

    // An app that may refresh its tokens keeps them until the lock is lifted.
    let fresh = server.refresh_app(&client_id, &tokens.refresh).await.ok();
    let access = fresh["access_token"].as_str().unwrap().to_owned();
    server.whoami(&access).await.refused(401, "M_USER_LOCKED");
    server.put(&admin, &path, json!({ "locked": false })).await.ok();
    server.whoami(&access).await.ok();
}

/// Whoever is suspended could go on insulting people by their name.
#[tokio::test]
async fn whose_account_is_suspended_keeps_their_name() {
    let (server, admin) = administered().await;
    let claire = server.sign_up("claire").await;
    let mut browser = Browser::new(&server);
    let path = "/oauth2/account?action=org.matrix.profile";
    let form = browser.sign_in("claire", PASSWORD, path).await;
    let suspend = format!("{V1}/suspend/{}", claire.user_id);
    server.put(&admin, &suspend, json!({ "suspended": true })).await.ok();
    let refused = browser.submit(&form, &[("displayname", "Autre")]).await;
    assert_eq!(refused.status, 403);
    refused.says("This account is suspended");
    let profile = format!("/_matrix/client/v3/profile/{}", claire.user_id);
    assert_eq!(server.get(&claire, &profile).await.ok()["displayname"], "claire");
}
