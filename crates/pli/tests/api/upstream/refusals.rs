use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    Provider, START, START_AGAIN, claire, server, server_of, sign_in, sign_in_app, without_time,
};
use crate::oauth::browser::{Browser, Page};

#[track_caller]
fn refused(page: &Page, status: StatusCode, text: &str) {
    page.says(text);
    assert_eq!(page.status, status);
}

/// A stranger who gets somebody to open the end of their own sign-in has them write into the
/// stranger's account.
#[tokio::test]
async fn nobody_is_signed_in_as_somebody_else() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let expired = "This sign-in took too long";

    let mut browser = Browser::new(&server);
    let leaving = browser.open(START).await;
    let back = provider.visitor().sign_in(&leaving.location().unwrap(), "claire").await;
    // In another browser, with another state, at another provider, without any of it.
    let mut other = Browser::new(&server);
    other.open("/oauth2/login").await;
    refused(&other.open(&back).await, StatusCode::BAD_REQUEST, expired);
    for forged in [
        back.replace("state=pli_us_", "state=pli_us_x"),
        "/oauth2/upstream/agents/callback?code=x".to_owned(),
        "/oauth2/upstream/agents/callback".to_owned(),
    ] {
        refused(&browser.open(&forged).await, StatusCode::BAD_REQUEST, expired);
    }
    let elsewhere = back.replace("/agents/", "/nowhere/");
    refused(&browser.open(&elsewhere).await, StatusCode::NOT_FOUND, "no such sign-in service");
    // Nothing of that spoilt the real one, which is good for one time.
    browser.open(&back).await.says("@claire.martin:pli.test");
    refused(&browser.open(&back).await, StatusCode::BAD_REQUEST, expired);

    // Too late.
    let mut browser = Browser::new(&server);
    let leaving = browser.open(START).await;
    let back = provider.visitor().sign_in(&leaving.location().unwrap(), "claire").await;
    server.clock.advance(Duration::from_secs(15 * 60));
    refused(&browser.open(&back).await, StatusCode::BAD_REQUEST, expired);
}

#[tokio::test]
async fn a_token_that_was_made_for_another_sign_in_is_worth_nothing() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let mut browser = Browser::new(&server);
    let wrong = "could not be verified";

    let leaving = browser.open(START).await.location().unwrap();
    let nonce = leaving.split("nonce=").nth(1).unwrap().split('&').next().unwrap();
    let other_nonce = leaving.replace(nonce, "the-nonce-of-a-stranger");
    let back = provider.visitor().sign_in(&other_nonce, "claire").await;
    refused(&browser.open(&back).await, StatusCode::BAD_GATEWAY, wrong);

    // A code that was bound to another secret (PKCE).
    let leaving = browser.open(START).await.location().unwrap();
    let challenge = leaving.split("code_challenge=").nth(1).unwrap().split('&').next().unwrap();
    let other_challenge = leaving.replace(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let back = provider.visitor().sign_in(&other_challenge, "claire").await;
    refused(&browser.open(&back).await, StatusCode::BAD_REQUEST, "Start again");

    // The answer of another issuer's.
    let leaving = browser.open(START).await.location().unwrap();
    let back = provider.visitor().sign_in(&leaving, "claire").await;
    assert!(back.contains("iss="), "{back}");
    let other_issuer = back.replace("iss=http", "iss=https");
    refused(&browser.open(&other_issuer).await, StatusCode::BAD_GATEWAY, wrong);
}

#[tokio::test]
async fn addresses_that_may_not_come_do_not() {
    let provider = Provider::start().await;
    let server = server(&provider, "").await;
    let cases: [(&str, Value, &str); 4] = [
        (
            "elsewhere",
            json!("claire@elsewhere.example"),
            "The address claire@elsewhere.example can’t be used here",
        ),
        ("unverified", json!(false), "has not checked the address"),
        ("unsaid", json!(null), "has not checked the address"),
        ("none", json!({}), "did not tell your e-mail address"),
    ];
    for (name, value, text) in cases {
        let mut claims = claire();
        match name {
            "elsewhere" => claims["email"] = value,
            "none" => {
                claims.as_object_mut().unwrap().remove("email");
            }
            "unsaid" => {
                claims.as_object_mut().unwrap().remove("email_verified");
            }
            _ => claims["email_verified"] = value,
        }
        provider.knows(name, claims).await;
        let mut browser = Browser::new(&server);
        let page = sign_in(&mut browser, &mut provider.visitor(), name, START).await;
        refused(&page, StatusCode::FORBIDDEN, text);
    }
    // Nobody got an account by that.
    let mut browser = Browser::new(&server);
    let page = sign_in(&mut browser, &mut provider.visitor(), "claire", START).await;
    page.says("@claire.martin:pli.test");

    // Who loses the address loses the way in.
    let mut moved = claire();
    moved["email"] = json!("claire@elsewhere.example");
    provider.knows("claire", moved).await;
    let mut browser = Browser::new(&server);
    let page = sign_in(&mut browser, &mut provider.visitor(), "claire", START).await;
    refused(&page, StatusCode::FORBIDDEN, "can’t be used here");
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_the_persons_language() {
    let mut provider = Provider::start().await;
    let server = server(&provider, "sign_up = false\n").await;
    let mut browser = Browser::new(&server);
    browser.language = "fr";
    let page = sign_in(&mut browser, &mut provider.visitor(), "claire", START).await;
    refused(&page, StatusCode::FORBIDDEN, "Vous n’avez pas de compte ici");
    page.says("lang=\"fr\"");
    page.says("Réessayer");
    page.says("Se connecter autrement");

    let leaving = browser.open(START).await;
    let back = provider.visitor().cancel(&leaving.location().unwrap()).await;
    let page = browser.open(&back).await;
    refused(&page, StatusCode::FORBIDDEN, "annulée ou refusée par AgentConnexion");
    // Where they wanted to go on isn't lost.
    page.says("/oauth2/upstream/agents?next=%2Foauth2%2Faccount");

    let leaving = browser.open(START).await;
    let back = provider.visitor().sign_in(&leaving.location().unwrap(), "claire").await;
    provider.stop();
    let page = browser.open(&back).await;
    refused(&page, StatusCode::SERVICE_UNAVAILABLE, "AgentConnexion ne répond pas");

    let other = without_time(&provider.config("agents", "pli")).await;
    let mut browser = Browser::new(&other);
    let page = browser.open(START).await;
    refused(&page, StatusCode::SERVICE_UNAVAILABLE, "AgentConnexion does not answer");
}

/// Each would wait for as long as a connection takes to fail, one after the other.
#[tokio::test]
async fn a_provider_that_is_down_is_asked_again_after_a_while() {
    let mut provider = Provider::start().await;
    let server = server(&provider, "").await;
    provider.stop();
    let mut browser = Browser::new(&server);
    let down = "AgentConnexion does not answer";
    refused(&browser.open(START).await, StatusCode::SERVICE_UNAVAILABLE, down);
    provider.restart().await;
    refused(&browser.open(START).await, StatusCode::SERVICE_UNAVAILABLE, down);
    server.clock.advance(Duration::from_secs(30));
    let page = sign_in(&mut browser, &mut provider.visitor(), "claire", START).await;
    page.says("@claire.martin:pli.test");
}

/// Years off, this server could not tell an old token from a new one.
#[tokio::test]
async fn a_wrong_clock_is_called_that() {
    let provider = Provider::start().await;
    let server = without_time(&provider.config("agents", "pli")).await;
    let mut browser = Browser::new(&server);
    let page = sign_in(&mut browser, &mut provider.visitor(), "claire", START).await;
    refused(&page, StatusCode::BAD_GATEWAY, "The clocks of this server and of AgentConnexion");
}

#[tokio::test]
async fn who_was_locked_out_or_deleted_does_not_come_back_through_the_provider() {
    let provider = Provider::start().await;
    let providers = provider.config("agents", "pli");
    let secret = "registration.shared_secret = \"secret\"\n";
    let server = server_of(&format!("{secret}{providers}")).await;
    let claire_here = sign_in_app(&server, &mut provider.visitor(), "claire").await;
    let admin = server.sign_up_admin("hugo", "secret").await;
    let path = format!("/_matrix/client/v1/admin/lock/{}", claire_here.user_id);
    server.put(&admin, &path, json!({ "locked": true })).await.ok();
    let mut browser = Browser::new(&server);
    let page = sign_in(&mut browser, &mut provider.visitor(), "claire", START).await;
    refused(&page, StatusCode::FORBIDDEN, "This account is locked");
    server.put(&admin, &path, json!({ "locked": false })).await.ok();

    let page = sign_in(&mut browser, &mut provider.visitor(), "claire", START_AGAIN).await;
    page.says("@claire.martin:pli.test");
    let question = browser.open("/oauth2/account?action=org.matrix.account_deactivate").await;
    browser.submit(&question, &[("confirm", "yes")]).await.says("Your account is deleted");
    let page = sign_in(&mut browser, &mut provider.visitor(), "claire", START).await;
    refused(&page, StatusCode::FORBIDDEN, "This account has been deactivated");
}
