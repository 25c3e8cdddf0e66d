//! A server of one's own for each test, and people who use it.

pub(crate) mod conformance;
pub(crate) mod mail;
mod pages;
pub(crate) mod process;
pub(crate) mod waiting;

use std::{sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use pli::{config::Config, server::Server};
use pli_store::ambient::{Ambient, ManualClock, SystemEntropy};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha1::Sha1;
use tempfile::TempDir;

/// A running server, its data folder and its clock.
pub(crate) struct TestServer {
    server: Option<Server>,
    config: Config,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
    pub(crate) http: reqwest::Client,
}

/// What a request came back with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

/// Somebody who signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user_id: String,
    pub(crate) device_id: String,
    pub(crate) access_token: String,
}

pub(crate) const PASSWORD: &str = "correct horse battery staple";

impl TestServer {
    /// A server where everybody may sign up, on a store in memory.
    pub(crate) async fn start() -> Self {
        Self::start_with("store.url = \"memory:\"\nregistration.mode = \"open\"").await
    }

    /// A server on an SQLite store that survives [`TestServer::restart`].
    pub(crate) async fn start_on_disk() -> Self {
        Self::start_with("registration.mode = \"open\"").await
    }

    /// A server with these lines of configuration (top-level keys, dotted) besides the usual ones.
    pub(crate) async fn start_with(lines: &str) -> Self {
        Self::start_at("http://pli.test", lines).await
    }

    /// The same for a server that clients reach at this address.
    pub(crate) async fn start_at(public_url: &str, lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display();
        let text = format!(
            "server_name = \"pli.test\"\n\
             public_url = \"{public_url}\"\n\
             data_dir = \"{data}\"\n\
             listen.client = \"127.0.0.1:0\"\n\
             listen.admin = \"127.0.0.1:0\"\n\
             mail.url = \"outbox:{data}/outbox\"\n\
             passwords.argon2_memory = \"64 KiB\"\n\
             passwords.argon2_iterations = 1\n\
             {lines}\n"
        );
        let mut config: Config = toml::from_str(&text).unwrap();
        config.rate_limits.enabled = text.contains("rate_limits.enabled = true");
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().unwrap();
        let mut server = Self { server: None, config, clock, folder, http };
        server.boot().await;
        server
    }

    async fn boot(&mut self) {
        let ambient =
            Ambient { clock: Arc::clone(&self.clock) as _, entropy: Arc::new(SystemEntropy) };
        self.server = Some(Server::start_with(self.config.clone(), ambient).await.unwrap());
    }

    /// Stops the server and starts it again on the same data.
    pub(crate) async fn restart(&mut self) {
        self.server.take().unwrap().stop().await;
        self.boot().await;
    }

    /// How many batches the store of a server on a disk has committed: who compares that before and
    /// after knows whether anything was written.
    pub(crate) async fn commits(&self) -> u64 {
        let store = pli_store::Store::open_read_only(&self.config.store_url()).await.unwrap();
        store.position().await.unwrap().0
    }

    pub(crate) fn running(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn client_address(&self) -> std::net::SocketAddr {
        self.running().client_address()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let address = self.server.as_ref().unwrap().client_address();
        format!("http://{address}{path}")
    }

    pub(crate) fn admin_url(&self, path: &str) -> String {
        let address = self.server.as_ref().unwrap().admin_address().unwrap();
        format!("http://{address}{path}")
    }

    /// Sends a request and reads the answer as JSON (`null` if it has no body).
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.http.request(method.clone(), self.url(path));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = Answer::read(request.send().await.unwrap()).await;
        answer.conforms(&method, path, body.as_ref());
        answer
    }

    /// Sends a body as it is.
    pub(crate) async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self.http.request(method.clone(), self.url(path)).body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = Answer::read(request.send().await.unwrap()).await;
        answer.conforms(&method, path, None);
        answer
    }

    pub(crate) async fn get(&self, person: &Person, path: &str) -> Answer {
        self.send(Method::GET, path, Some(&person.access_token), None).await
    }

    pub(crate) async fn post(&self, person: &Person, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(&person.access_token), Some(body)).await
    }

    pub(crate) async fn put(&self, person: &Person, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(&person.access_token), Some(body)).await
    }

    pub(crate) async fn delete(&self, person: &Person, path: &str) -> Answer {
        self.send(Method::DELETE, path, Some(&person.access_token), None).await
    }

    /// Signs somebody up and in.
    pub(crate) async fn sign_up(&self, name: &str) -> Person {
        let body = json!({
            "username": name,
            "password": PASSWORD,
            "auth": { "type": "m.login.dummy" },
        });
        let answer =
            self.send(Method::POST, "/_matrix/client/v3/register", None, Some(body)).await.ok();
        Person::of(&answer)
    }

    /// Signs an administrator up, where the configuration has this `registration.shared_secret`.
    pub(crate) async fn sign_up_admin(&self, name: &str, shared_secret: &str) -> Person {
        let path = "/_synapse/admin/v1/register";
        let nonce = self.send(Method::GET, path, None, None).await.ok()["nonce"].clone();
        let mut mac = Hmac::<Sha1>::new_from_slice(shared_secret.as_bytes()).unwrap();
        mac.update([nonce.as_str().unwrap(), name, PASSWORD, "admin"].join("\0").as_bytes());
        let mac: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let body = json!({
            "nonce": nonce, "username": name, "password": PASSWORD, "admin": true, "mac": mac,
        });
        self.send(Method::POST, path, None, Some(body)).await.ok();
        self.sign_in(name).await
    }

    /// Signs somebody in on another device.
    pub(crate) async fn sign_in(&self, name: &str) -> Person {
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": name },
            "password": PASSWORD,
        });
        let answer =
            self.send(Method::POST, "/_matrix/client/v3/login", None, Some(body)).await.ok();
        Person::of(&answer)
    }

    /// Creates a room and returns its id.
    pub(crate) async fn create_room(&self, person: &Person, body: Value) -> String {
        let answer = self.post(person, "/_matrix/client/v3/createRoom", body).await.ok();
        answer["room_id"].as_str().unwrap().to_owned()
    }

    /// One sync; `since` empty for an initial one.
    pub(crate) async fn sync(&self, person: &Person, since: &str) -> Value {
        let since = if since.is_empty() { String::new() } else { format!("&since={since}") };
        self.get(person, &format!("/_matrix/client/v3/sync?timeout=0{since}")).await.ok()
    }
}

impl Person {
    fn of(answer: &Value) -> Self {
        let text = |field: &str| answer[field].as_str().unwrap().to_owned();
        Self {
            user_id: text("user_id"),
            device_id: text("device_id"),
            access_token: text("access_token"),
        }
    }
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let status = response.status();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status, headers, body }
    }

    fn conforms(&self, method: &Method, path: &str, body: Option<&Value>) {
        conformance::check(method.as_str(), path, body, self.status.as_u16(), &self.body);
    }

    /// The body of an answer that must be 200.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// Asserts that the answer is this error.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, errcode: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.body["errcode"].as_str()),
            (status, Some(errcode)),
            "{}",
            self.body
        );
        self.body
    }
}
