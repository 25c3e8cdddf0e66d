//! A bridge as this server meets it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{Method, StatusCode, Uri},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, put},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::support::{Answer, Person, TestServer};

pub(super) const AS_TOKEN: &str = "the-token-of-the-bridge";
const HS_TOKEN: &str = "the-token-of-the-server";

/// A transaction as it came.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Received {
    pub(super) id: String,
    pub(super) body: Value,
}

/// A bridge that listens.
pub(super) struct Bridge {
    port: u16,
    shared: Arc<Shared>,
    folder: TempDir,
}

struct Shared {
    /// Every attempt, taken or not.
    attempts: watch::Sender<Vec<Received>>,
    /// What transactions are answered with.
    status: AtomicU16,
    /// What questions and pings are answered with, by path with query; 404 for all others.
    answers: Mutex<BTreeMap<String, (u16, Value)>>,
    asked: Mutex<Vec<String>>,
}

impl Bridge {
    pub(super) async fn listen() -> Self {
        let shared = Arc::new(Shared {
            attempts: watch::Sender::default(),
            status: AtomicU16::new(200),
            answers: Mutex::default(),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .route("/bridge/_matrix/app/v1/transactions/{id}", put(take))
            .fallback(any(answer))
            .layer(from_fn_with_state(Arc::clone(&shared), check_token))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, shared, folder: tempfile::tempdir().unwrap() }
    }

    /// Where the bridge is.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/bridge/", self.port)
    }

    /// A server where the bridge is registered, with these fields instead of the usual ones.
    pub(super) async fn server_with(&self, fields: Value, lines: &str) -> TestServer {
        let mut registration = json!({
            "id": "telegram",
            "url": self.url(),
            "as_token": AS_TOKEN,
            "hs_token": HS_TOKEN,
            "sender_localpart": "telegrambot",
            "rate_limited": false,
            "protocols": ["telegram"],
            "namespaces": {
                "users": [{ "regex": r"@telegram_.*:pli\.test", "exclusive": true }],
                "aliases": [{ "regex": r"#telegram_.*:pli\.test", "exclusive": true }],
                "rooms": [],
            },
        });
        for (name, value) in fields.as_object().unwrap() {
            registration[name] = value.clone();
        }
        // YAML knows JSON too.
        std::fs::write(self.folder.path().join("bridge.yaml"), registration.to_string()).unwrap();
        let pattern = self.folder.path().join("*.yaml");
        TestServer::start_with(&format!(
            "appservices.registrations = [\"{}\"]\nregistration.mode = \"open\"\n{lines}",
            pattern.display()
        ))
        .await
    }

    pub(super) async fn server(&self) -> TestServer {
        self.server_with(json!({}), "store.url = \"memory:\"").await
    }

    /// Answers transactions with a status from now on.
    pub(super) fn answer_transactions(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    /// Answers questions for a path with its query.
    pub(super) fn answer(&self, path: &str, status: u16, body: Value) {
        self.shared.answers.lock().insert(path.to_owned(), (status, body));
    }

    /// What was asked, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().clone()
    }

    pub(super) fn attempts(&self) -> Vec<Received> {
        self.shared.attempts.borrow().clone()
    }

    /// Waits until the attempts are as wanted, and returns them.
    pub(super) async fn until(&self, wanted: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let mut attempts = self.shared.attempts.subscribe();
        let waiting = attempts.wait_for(|attempts| wanted(attempts));
        let Ok(found) = tokio::time::timeout(Duration::from_secs(30), waiting).await else {
            panic!("it never came to be so: {:#?}", self.attempts());
        };
        found.unwrap().clone()
    }

    /// Waits for an event with this text, and returns all events that came, in order.
    pub(super) async fn until_text(&self, text: &str) -> Vec<Value> {
        let says = |event: &Value| event["content"]["body"] == text;
        let attempts = self.until(|attempts| all(attempts, "events").iter().any(says)).await;
        all(&attempts, "events")
    }

    /// Waits for something in one of the arrays of a transaction.
    pub(super) async fn until_in(&self, array: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let attempts = self.until(|attempts| all(attempts, array).iter().any(&wanted)).await;
        all(&attempts, array).into_iter().find(|entry| wanted(entry)).unwrap()
    }
}

/// What the arrays with this name in these transactions hold.
pub(super) fn all(attempts: &[Received], array: &str) -> Vec<Value> {
    let arrays = attempts.iter().filter_map(|attempt| attempt.body[array].as_array());
    arrays.flatten().cloned().collect()
}

async fn check_token(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    drop(shared);
    let expected = format!("Bearer {HS_TOKEN}");
    let has_token =
        request.headers().get("authorization").is_some_and(|given| given == expected.as_str());
    if has_token { next.run(request).await } else { StatusCode::UNAUTHORIZED.into_response() }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    // Read before the attempt shows, so that a test that changes it then changes the next one.
    let status = StatusCode::from_u16(shared.status.load(Ordering::SeqCst)).unwrap();
    shared.attempts.send_modify(|attempts| attempts.push(Received { id, body }));
    (status, Json(json!({}))).into_response()
}

async fn answer(State(shared): State<Arc<Shared>>, method: Method, uri: Uri) -> Response {
    let path = uri.path_and_query().unwrap().as_str();
    let path = path.strip_prefix("/bridge/_matrix/app/v1").unwrap().to_owned();
    shared.asked.lock().push(format!("{method} {path}"));
    let found = shared.answers.lock().get(&path).cloned();
    let (status, body) = found.unwrap_or((404, json!({ "errcode": "M_NOT_FOUND" })));
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// What the bridge does at the server.
pub(super) trait Bridging {
    /// A request of the bridge, as one of its users if the path's query says so.
    async fn bridge(&self, method: Method, path: &str, body: Option<Value>) -> Answer;

    /// Registers one of the bridge's users. Returns a path's query that acts for them.
    async fn puppet(&self, name: &str) -> String;

    /// A message of somebody's. Returns its id.
    async fn say(&self, person: &Person, room_id: &str, text: &str) -> String;
}

impl Bridging for TestServer {
    async fn bridge(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(method, path, Some(AS_TOKEN), body).await
    }

    async fn puppet(&self, name: &str) -> String {
        let body = json!({
            "type": "m.login.application_service",
            "username": name,
            "inhibit_login": true,
        });
        let registered = self.bridge(Method::POST, "/_matrix/client/v3/register", Some(body)).await;
        assert_eq!(registered.ok(), json!({ "user_id": format!("@{name}:pli.test") }));
        format!("user_id=@{name}:pli.test")
    }

    async fn say(&self, person: &Person, room_id: &str, text: &str) -> String {
        let path = format!("/_matrix/client/v3/rooms/{room_id}/send/m.room.message/{text}");
        let body = json!({ "msgtype": "m.text", "body": text });
        self.put(person, &path, body).await.ok()["event_id"].as_str().unwrap().to_owned()
    }
}
