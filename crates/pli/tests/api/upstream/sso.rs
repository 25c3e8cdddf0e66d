use reqwest::{Method, StatusCode};
use serde_json::json;
use xtask::openapi::Request;

use super::{Provider, SITE, server, sign_in, sso_path, with_token};
use crate::{
    oauth::browser::Browser,
    support::{PASSWORD, TestServer, conformance},
};

const LOGIN: &str = "/_matrix/client/v3/login";

/// Older apps know no other way to somebody else's sign-in.
#[tokio::test]
async fn an_app_of_before_oauth_signs_in_through_the_browser() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let flows = server.send(Method::GET, LOGIN, None, None).await.ok();
    let flows = flows["flows"].as_array().unwrap();
    let sso = flows.iter().find(|flow| flow["type"] == "m.login.sso").unwrap();
    let providers = json!([{ "id": "agents", "name": "AgentConnexion" }]);
    assert_eq!(sso["identity_providers"], providers);
    assert_eq!(sso["oauth_aware_preferred"], true);
    assert_eq!(sso["org.matrix.msc3824.delegated_oidc_compatibility"], true);

    let mut browser = Browser::new(&server);
    let site = "https://app.example.com/?a=b#/welcome";
    let path = sso_path("/agents", site);
    for path in [&path, &sso_path("", site)] {
        let first = browser.get(path).await;
        conformance::note(Request { method: "GET", path, body: None }, first.status.as_u16());
        assert_eq!(first.status, StatusCode::FOUND);
    }
    let question = sign_in(&mut browser, &mut provider.visitor(), "claire", &path).await;
    question.says("Sign in to app.example.com?");
    question.says("@claire.martin:pli.test");
    let policy = question.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https://app.example.com;"), "{policy}");

    // Who says no gives nothing away.
    let page = browser.submit(&question, &[("decision", "deny")]).await;
    assert!(page.location().is_none());
    let question = browser.open(&sso_path("", site)).await;
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    let location = answer.location().unwrap();
    assert!(location.starts_with("https://app.example.com/?a=b&loginToken="), "{location}");
    assert!(location.ends_with("#/welcome"), "{location}");
    let login_token = answer.parameter("loginToken").unwrap();
    let claire = with_token(&server, &login_token).await;
    assert_eq!(claire.user_id, "@claire.martin:pli.test");
    let body = json!({ "type": "m.login.token", "token": login_token });
    let again = server.send(Method::POST, LOGIN, None, Some(body)).await;
    again.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn people_with_a_password_sign_in_to_such_apps_too() {
    let server = TestServer::start().await;
    server.sign_up("claire").await;
    let flows = server.send(Method::GET, LOGIN, None, None).await.ok();
    let flows = flows["flows"].as_array().unwrap();
    let sso = flows.iter().find(|flow| flow["type"] == "m.login.sso").unwrap();
    // Apps with a form for the password keep it.
    assert_eq!(*sso, json!({ "type": "m.login.sso" }));

    let mut browser = Browser::new(&server);
    let question = browser.sign_in("claire", PASSWORD, &sso_path("", "com.example.app:/in")).await;
    question.says("com.example.app:");
    // A form from elsewhere lets nobody in.
    let forged = browser.post(&question.path, &[("decision", "allow"), ("csrf", "x")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    assert!(answer.location().unwrap().starts_with("com.example.app:/in?loginToken=pli_lt_"));

    // Whoever wants an account is led to the page for that first.
    let path = format!("{}&action=register", sso_path("", SITE));
    Browser::new(&server).open(&path).await.says("Create an account");
}

#[tokio::test]
async fn a_login_token_goes_nowhere_that_nobody_chose() {
    let provider = Provider::start().await;
    let trusted =
        "oauth.trusted_sites = [\"https://trusted.example.com\", \"com.example.trusted:/\"]\n";
    let server = super::server_of(&format!("{trusted}{}", provider.config("agents", "pli"))).await;
    let path = "/_matrix/client/v3/login/sso/redirect";
    let mut refusals = vec![
        (sso_path("/nowhere", SITE), 404, "M_NOT_FOUND"),
        (path.to_owned(), 400, "M_MISSING_PARAM"),
        (format!("{path}/agents"), 400, "M_MISSING_PARAM"),
    ];
    for address in
        ["javascript:alert(1)", "data:text/html,x", "/elsewhere", "https://u:p@app.example.com/"]
    {
        refusals.push((sso_path("", address), 400, "M_INVALID_PARAM"));
        refusals.push((sso_path("/agents", address), 400, "M_INVALID_PARAM"));
    }
    for (path, status, errcode) in refusals {
        server.send(Method::GET, &path, None, None).await.refused(status, errcode);
    }
    let page =
        server.http.get(server.url(&sso_path("/nowhere", SITE))).header("accept", "text/html");
    let page = page.send().await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(page.text().await.unwrap().contains("Go back to the app"));

    // Only what the operator trusts is told without a question.
    let mut browser = Browser::new(&server);
    let mut visitor = provider.visitor();
    sign_in(&mut browser, &mut visitor, "claire", super::START).await.says("@claire.martin");
    for site in ["https://trusted.example.com/in", "com.example.trusted:/in", "http://pli.test/"] {
        let answer = browser.open(&sso_path("", site)).await;
        assert!(answer.parameter("loginToken").is_some(), "{site}");
    }
    for site in [
        "https://trusted.example.com.evil.test/",
        "https://trusted.example.com:8443/",
        "http://trusted.example.com/",
        "com.example.other:/in",
    ] {
        browser.open(&sso_path("", site)).await.says("Sign in to");
    }
}
