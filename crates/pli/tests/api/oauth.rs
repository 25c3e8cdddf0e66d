//! OAuth 2.0: apps that people let in from a browser. What breaks here locks out Element X and every
//! other app that knows no passwords, or lets a stranger's app in.

mod account;
pub(crate) mod browser;
mod clients;
mod code;
mod device;
mod discovery;
mod locked;
mod pages;
mod rendezvous;
mod reset;
mod sign_up;
mod tokens;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::browser::Browser;
use crate::support::{Answer, PASSWORD, Person, TestServer};

pub(crate) const VERIFIER: &str = "a-secret-of-the-app-that-nobody-else-knows-000";
const REDIRECT: &str = "https://app.example.com/callback";
const DEVICE: &str = "DEVICEOFAPP";

/// What an app is given.
#[derive(Clone, Debug)]
struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(answer: &Value) -> Self {
        let text = |field: &str| answer[field].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token") }
    }
}

pub(crate) fn app_metadata() -> Value {
    json!({
        "client_name": "Boîte aux lettres",
        "client_uri": "https://example.com/",
        "redirect_uris": [REDIRECT],
        "grant_types": [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
    })
}

fn scope(device_id: &str) -> String {
    format!("urn:matrix:client:api:* urn:matrix:client:device:{device_id}")
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn query(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// The path where an app sends the browser; `changes` replace or (with an empty value) remove
/// parameters.
pub(crate) fn authorize_path(client_id: &str, changes: &[(&str, &str)]) -> String {
    let scope = scope(DEVICE);
    let challenge = challenge(VERIFIER);
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT),
        ("scope", scope.as_str()),
        ("state", "a state/of the app"),
        ("response_mode", "query"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        parameters.retain(|(known, _)| known != name);
        if !value.is_empty() {
            parameters.push((name, value));
        }
    }
    format!("/oauth2/authorize?{}", query(&parameters))
}

impl TestServer {
    async fn oauth(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let request = self
            .http
            .post(self.url(path))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(query(parameters));
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn register_app(&self, metadata: Value) -> String {
        let answer = self.send(Method::POST, "/oauth2/register", None, Some(metadata)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["client_id"].as_str().unwrap().to_owned()
    }

    /// A code for the app, from somebody who signs in and says yes.
    async fn code(&self, client_id: &str, name: &str, changes: &[(&str, &str)]) -> String {
        let mut browser = Browser::new(self);
        let question = browser.sign_in(name, PASSWORD, &authorize_path(client_id, changes)).await;
        let answer = browser.submit(&question, &[("decision", "allow")]).await;
        answer.parameter("code").unwrap()
    }

    pub(crate) async fn exchange(&self, client_id: &str, code: &str, verifier: &str) -> Answer {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
        ];
        self.oauth("/oauth2/token", &parameters).await
    }

    async fn refresh_app(&self, client_id: &str, refresh_token: &str) -> Answer {
        let parameters = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", refresh_token),
        ];
        self.oauth("/oauth2/token", &parameters).await
    }

    /// Lets the app into somebody's account.
    async fn let_in(&self, client_id: &str, name: &str, device_id: &str) -> Tokens {
        let code = self.code(client_id, name, &[("scope", &scope(device_id))]).await;
        Tokens::of(&self.exchange(client_id, &code, VERIFIER).await.ok())
    }

    async fn whoami(&self, access_token: &str) -> Answer {
        let path = "/_matrix/client/v3/account/whoami";
        self.send(Method::GET, path, Some(access_token), None).await
    }
}

impl Answer {
    /// Asserts that the answer is this OAuth 2.0 error.
    #[track_caller]
    fn oauth_refused(self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), self.body["error"].as_str()),
            (status, Some(code)),
            "{}",
            self.body
        );
        assert!(self.body["error_description"].is_string());
        assert_eq!(self.headers["cache-control"], "no-store");
    }
}

/// Whoever an app's tokens stand for.
fn person(user_id: &str, device_id: &str, tokens: &Tokens) -> Person {
    Person {
        user_id: user_id.to_owned(),
        device_id: device_id.to_owned(),
        access_token: tokens.access.clone(),
    }
}
