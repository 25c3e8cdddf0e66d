use std::time::Duration;

use super::{app_metadata, authorize_path, browser::Browser};
use crate::support::{PASSWORD, TestServer};

/// A form on somebody else's site must not let their app in.
#[tokio::test]
async fn nobody_else_sends_a_form_in_ones_name() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let path = authorize_path(&client_id, &[]);
    let mut browser = Browser::new(&server);
    let question = browser.sign_in("claire", PASSWORD, &path).await;

    let allow = ("decision", "allow");
    for fields in [vec![allow], vec![allow, ("csrf", "")], vec![allow, ("csrf", "x")]] {
        let page = browser.post(&path, &fields).await;
        assert_eq!(page.status, 403);
        assert!(page.location().is_none());
    }
    // The token of another browser, even of the same person.
    let mut elsewhere = Browser::new(&server);
    let other = elsewhere.sign_in("claire", PASSWORD, &path).await.hidden("csrf");
    let page = browser.post(&path, &[allow, ("csrf", &other)]).await;
    assert_eq!(page.status, 403);
    // Nor one from before signing in.
    let mut fresh = Browser::new(&server);
    let before = fresh.open(&path).await.hidden("csrf");
    fresh.sign_in("claire", PASSWORD, &path).await;
    assert_eq!(fresh.post(&path, &[allow, ("csrf", &before)]).await.status, 403);

    let page = browser.submit(&question, &[allow]).await;
    assert!(page.parameter("code").is_some(), "the right form still does");
}

/// Signing in to somebody else's account unawares is how one gives them one's secrets.
#[tokio::test]
async fn nobody_is_signed_in_by_somebody_elses_form() {
    let server = TestServer::start().await;
    server.sign_up("mallory").await;
    let mut browser = Browser::new(&server);
    let fields = [("username", "mallory"), ("password", PASSWORD)];
    assert_eq!(browser.post("/oauth2/login", &fields).await.status, 403);
    assert!(!browser.set_cookies.iter().any(|cookie| cookie.starts_with("pli-session=")));
}

/// Whoever follows a link that somebody sent must end up here, whatever it says.
#[tokio::test]
async fn signing_in_leads_to_no_strangers_site() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    for next in
        ["https://evil.test/", "//evil.test/", "/\\evil.test", "/%2Fevil.test", "/elsewhere"]
    {
        let mut browser = Browser::new(&server);
        let path = format!("/oauth2/login?{}", super::query(&[("next", next)]));
        let page = browser.sign_in("claire", PASSWORD, &path).await;
        page.says("Your account");
        assert_eq!(page.path, "/oauth2/account");
        // The same for who is signed in already.
        assert_eq!(browser.get(&path).await.location().unwrap(), "/oauth2/account");
    }
}

#[tokio::test]
async fn a_wrong_password_signs_nobody_in() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    let path = authorize_path(&client_id, &[("login_hint", "mxid:@claire:pli.test")]);
    let mut browser = Browser::new(&server);
    let page = browser.open(&path).await;
    page.says("value=\"@claire:pli.test\"");
    for (name, password) in [("claire", "wrong"), ("nobody", PASSWORD), ("", "")] {
        let page = browser.submit(&page, &[("username", name), ("password", password)]).await;
        assert_eq!(page.status, 403);
        page.says("role=\"alert\"");
        page.says("is wrong");
        assert!(!page.html.contains(PASSWORD));
    }
    assert!(!browser.set_cookies.iter().any(|cookie| cookie.starts_with("pli-session=")));
}

/// Whoever tries passwords must be stopped on the page as they are in apps.
#[tokio::test]
async fn passwords_cannot_be_tried_without_end() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\nrate_limits.enabled = true",
    )
    .await;
    server.sign_up("claire").await;
    let mut browser = Browser::new(&server);
    let page = browser.open("/oauth2/login").await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let fields = [("username", "claire"), ("password", "wrong")];
        statuses.push(browser.submit(&page, &fields).await.status.as_u16());
    }
    assert_eq!(statuses.first(), Some(&403));
    assert_eq!(statuses.last(), Some(&429));
}

/// What a browser is given must not be readable by scripts, nor sent along with strangers' forms.
#[tokio::test]
async fn cookies_are_for_this_server_only() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let mut browser = Browser::new(&server);
    browser.sign_in("claire", PASSWORD, "/oauth2/account").await;
    let session = browser.set_cookies.iter().find(|cookie| cookie.starts_with("pli-session="));
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(session.unwrap().contains(part), "{session:?}");
    }
    for cookie in &browser.set_cookies {
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    }

    // Over TLS the names bind the cookies to this very host.
    let text = "store.url = \"memory:\"\nregistration.mode = \"open\"";
    let server = TestServer::start_at("https://pli.test", text).await;
    server.sign_up("claire").await;
    let mut browser = Browser::new(&server);
    browser.sign_in("claire", PASSWORD, "/oauth2/account").await.says("Your account");
    for cookie in &browser.set_cookies {
        assert!(cookie.starts_with("__Host-pli-") && cookie.contains("Secure"), "{cookie}");
    }
}

/// Nothing on these pages may run, be framed or be kept.
#[tokio::test]
async fn pages_run_nothing_and_are_read_aloud_in_their_language() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let client_id = server.register_app(app_metadata()).await;
    for (language, tag) in [("fr-FR,fr;q=0.9", "fr"), ("en", "en"), ("de", "en")] {
        let mut browser = Browser::new(&server);
        browser.language = language;
        let mut pages = vec![
            browser.open("/oauth2/login").await,
            browser.open("/oauth2/signup").await,
            browser.open(&authorize_path("nobody", &[])).await,
        ];
        pages.push(browser.sign_in("claire", PASSWORD, &authorize_path(&client_id, &[])).await);
        pages.push(browser.open("/link").await);
        pages.push(browser.open("/oauth2/account").await);
        for page in pages {
            page.says(&format!("<html lang=\"{tag}\">"));
            assert!(!page.html.contains("<script"));
            assert_eq!(page.html.matches("<h1>").count(), 1);
            let policy = page.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script"));
            assert_eq!(page.headers["cache-control"], "no-store");
            assert_eq!(page.headers["x-frame-options"], "DENY");
        }
    }
}

/// A client's name must not become part of a page.
#[tokio::test]
async fn an_apps_name_is_text() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let mut metadata = app_metadata();
    metadata["client_name"] = serde_json::json!("<b onclick=\"x\">App</b>");
    let client_id = server.register_app(metadata).await;
    let mut browser = Browser::new(&server);
    let question = browser.sign_in("claire", PASSWORD, &authorize_path(&client_id, &[])).await;
    assert!(!question.html.contains("<b onclick"));
    question.says("&lt;b onclick=&quot;x&quot;&gt;");
}

/// A browser stays signed in for its time, and no longer than the password.
#[tokio::test]
async fn a_browser_is_signed_out_in_time() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let mut browser = Browser::new(&server);
    browser.sign_in("claire", PASSWORD, "/oauth2/account").await;
    server.clock.advance(Duration::from_secs(11 * 60 * 60));
    browser.open("/oauth2/account").await.says("Your account");
    server.clock.advance(Duration::from_secs(61 * 60));
    browser.open("/oauth2/account").await.says("name=\"password\"");

    browser.sign_in("claire", PASSWORD, "/oauth2/account").await.says("Your account");
    server.clock.advance(Duration::from_secs(1));
    let body = serde_json::json!({
        "new_password": "another good password",
        "auth": {
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": "claire" },
            "password": PASSWORD,
        },
    });
    server.post(&claire, "/_matrix/client/v3/account/password", body).await.ok();
    browser.open("/oauth2/account").await.says("name=\"password\"");
}

/// On a shared computer one has to be able to leave, and the next one to come in.
#[tokio::test]
async fn somebody_else_signs_in_on_the_same_browser() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    server.sign_up("samir").await;
    let client_id = server.register_app(app_metadata()).await;
    let path = authorize_path(&client_id, &[]);
    let mut browser = Browser::new(&server);
    let question = browser.sign_in("claire", PASSWORD, &path).await;
    let csrf = question.hidden("csrf");
    let leave = format!("/oauth2/logout?{}", super::query(&[("next", &path)]));
    let page = browser.post(&leave, &[("csrf", &csrf)]).await;
    let stolen = browser.take_cookies();
    assert!(!stolen.contains_key("pli-session"));
    assert_eq!(page.location().unwrap(), path);
    browser.sign_in("samir", PASSWORD, &path).await.says("@samir:pli.test");
}
