//! Signing in at somebody else's: at a real OpenID Connect provider (e2e/provider). What breaks here
//! locks out a whole ministry, or lets somebody in as somebody else.

mod confirm;
mod logout;
mod provider;
mod refusals;
mod sign_up;
mod sso;

use std::time::Duration;

use pli_store::ambient::{Clock, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use self::provider::{Provider, Visitor};
use crate::{
    oauth::browser::{Browser, Page},
    support::{Person, TestServer},
};

/// Where people go when they begin to sign in at the provider, to look after their account.
const START: &str = "/oauth2/upstream/agents?next=%2Foauth2%2Faccount";
/// The same to prove anew who they are.
const START_AGAIN: &str = "/oauth2/upstream/agents?again=1&next=%2Foauth2%2Faccount";
const PROFILE: &str = "/oauth2/account?action=org.matrix.profile";
const OPEN: &str = "registration.mode = \"open\"\n";
const SITE: &str = "https://app.example.com/";

/// A server at which people sign in at this provider, with the clock of the provider.
async fn server(provider: &Provider, more: &str) -> TestServer {
    server_of(&format!("{}\n{more}", provider.config("agents", "pli"))).await
}

/// The same with these providers.
async fn server_of(providers: &str) -> TestServer {
    let server = without_time(providers).await;
    let now = Duration::from_millis(SystemClock.now_ms());
    server.clock.advance(now - Duration::from_millis(server.clock.now_ms()));
    server
}

/// The same years ago.
async fn without_time(providers: &str) -> TestServer {
    let mode = if providers.contains("registration.mode") { "" } else { OPEN };
    TestServer::start_with(&format!(
        "store.url = \"memory:\"\n\
         {mode}\
         registration.domains = [\"interieur.example\"]\n\
         registration.organisations.\"interieur.example\" = \"Intérieur\"\n\
         {providers}"
    ))
    .await
}

fn claire() -> Value {
    json!({
        "email": "claire.martin@interieur.example",
        "email_verified": true,
        "given_name": "Claire",
        "family_name": "Martin",
    })
}

/// Signs in at a provider and comes back.
async fn sign_in(
    browser: &mut Browser<'_>,
    visitor: &mut Visitor<'_>,
    name: &str,
    path: &str,
) -> Page {
    let leaving = browser.open(path).await;
    let back = visitor
        .sign_in(&leaving.location().unwrap_or_else(|| panic!("{}", leaving.html)), name)
        .await;
    browser.open(&back).await
}

/// Signs in an app of before OAuth 2.0 at a provider.
async fn sign_in_app(server: &TestServer, visitor: &mut Visitor<'_>, name: &str) -> Person {
    let mut browser = Browser::new(server);
    let path = sso_path("/agents", SITE);
    let question = sign_in(&mut browser, visitor, name, &path).await;
    let answer = browser.submit(&question, &[("decision", "allow")]).await;
    let login_token = answer.parameter("loginToken").unwrap();
    with_token(server, &login_token).await
}

async fn with_token(server: &TestServer, login_token: &str) -> Person {
    let body = json!({ "type": "m.login.token", "token": login_token });
    let answer = server.send(Method::POST, "/_matrix/client/v3/login", None, Some(body)).await.ok();
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    Person {
        user_id: text("user_id"),
        device_id: text("device_id"),
        access_token: text("access_token"),
    }
}

fn sso_path(provider: &str, site: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("redirectUrl", site);
    format!("/_matrix/client/v3/login/sso/redirect{provider}?{}", query.finish())
}
