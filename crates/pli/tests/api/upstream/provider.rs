//! The provider, and people's browsers there.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::support::TestServer;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/provider");

/// A running provider, which ends with the test.
pub(super) struct Provider {
    process: Child,
    pub(super) issuer: String,
    http: reqwest::Client,
}

impl Provider {
    /// A provider where Claire Martin is known.
    pub(super) async fn start() -> Self {
        let provider = Self::start_at("0");
        provider.knows("claire", super::claire()).await;
        provider
    }

    fn start_at(port: &str) -> Self {
        let is_installed = Path::new(FOLDER).join("node_modules/oidc-provider").exists();
        assert!(is_installed, "install the provider: make e2e/provider/node_modules/.installed");
        let mut process = Command::new("node")
            .args(["provider.mjs", port])
            .current_dir(FOLDER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut issuer = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut issuer).unwrap();
        let issuer = issuer.trim().to_owned();
        assert!(issuer.starts_with("http://127.0.0.1:"), "the provider did not start: {issuer}");
        Self { process, issuer, http: client() }
    }

    /// The same provider with other keys, as after a change of them.
    pub(super) async fn restart(&mut self) {
        self.stop();
        let port = self.issuer.rsplit(':').next().unwrap().to_owned();
        *self = Self::start_at(&port);
        self.knows("claire", super::claire()).await;
    }

    pub(super) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The configuration of a server that sends people here.
    pub(super) fn config(&self, id: &str, client_id: &str) -> String {
        let issuer = &self.issuer;
        format!(
            "[[upstream]]\n\
             id = \"{id}\"\n\
             name = \"AgentConnexion\"\n\
             issuer = \"{issuer}\"\n\
             client_id = \"{client_id}\"\n\
             client_secret = \"a secret between the two\"\n\
             allow_private_addresses = true\n"
        )
    }

    /// Somebody whom the provider knows from now on.
    pub(super) async fn knows(&self, name: &str, claims: Value) {
        self.control(&format!("accounts/{name}"), claims).await;
    }

    /// What the provider was asked for when somebody came to sign in.
    pub(super) async fn asked(&self) -> Value {
        self.control("asked", json!({})).await
    }

    /// A token of the provider's with any claims.
    pub(super) async fn sign(&self, claims: &Value) -> String {
        self.control("sign", claims.clone()).await["token"].as_str().unwrap().to_owned()
    }

    /// The provider tells the server that somebody's session has ended.
    pub(super) async fn end(&self, server: &TestServer, name: &str, sid: Option<&str>) {
        let uri = server.url("/oauth2/upstream/agents/backchannel-logout");
        let body = json!({ "client_id": "pli", "uri": uri, "sub": name, "sid": sid });
        self.control("end", body).await;
    }

    /// What the provider calls the session of somebody who signed in there.
    pub(super) async fn sid_of(&self, visitor: &Visitor<'_>) -> String {
        let cookie = &visitor.cookies["_session"];
        let told = self.control(&format!("sid/{cookie}"), json!({})).await;
        told["sid"].as_str().unwrap().to_owned()
    }

    async fn control(&self, what: &str, body: Value) -> Value {
        let address = format!("{}/control/{what}", self.issuer);
        let answer = self.http.post(address).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{what}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Somebody's browser.
    pub(super) fn visitor(&self) -> Visitor<'_> {
        Visitor { provider: self, cookies: BTreeMap::new() }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser's cookies at the provider.
pub(super) struct Visitor<'a> {
    provider: &'a Provider,
    cookies: BTreeMap<String, String>,
}

impl Visitor<'_> {
    /// Signs in, unless they have before: the path with which the browser comes back.
    pub(super) async fn sign_in(&mut self, address: &str, name: &str) -> String {
        self.answer(address, &format!("as/{name}")).await
    }

    /// Says no.
    pub(super) async fn cancel(&mut self, address: &str) -> String {
        self.answer(address, "cancel").await
    }

    async fn answer(&mut self, address: &str, answer: &str) -> String {
        let mut address = address.to_owned();
        loop {
            let (next, page) = self.get(&address).await;
            address = match next {
                Some(next) if next.starts_with("http://pli.test/") => {
                    return next.strip_prefix("http://pli.test").unwrap().to_owned();
                }
                Some(next) if next.starts_with('/') => format!("{}{next}", self.provider.issuer),
                Some(next) => next,
                // The page that asks who one is.
                None if address.contains("/interaction/") => format!("{address}/{answer}"),
                None => panic!("{address}: {page}"),
            };
        }
    }

    async fn get(&mut self, address: &str) -> (Option<String>, String) {
        assert!(address.starts_with(&self.provider.issuer), "not at the provider: {address}");
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.provider.http.get(address).header("cookie", cookies.join("; "));
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let text = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            let (name, value) = text.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = response.headers().get("location");
        let location = location.map(|location| location.to_str().unwrap().to_owned());
        (location, response.text().await.unwrap())
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap()
}
