//! Rooms that have a policy server look at each event before it is sent.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use pli_events::{SigningKey, hash_and_sign_event, room_version_rules};
use ruma::{CanonicalJsonObject, RoomVersionId, ServerName};
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestServer};

const V3: &str = "/_matrix/client/v3";

/// A policy server in this process: it signs what has no spam in it.
struct Policy {
    address: std::net::SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    key: SigningKey,
    /// What it was asked, by whom.
    asked: Mutex<Vec<(String, Value)>>,
    refuses_all: AtomicBool,
}

fn key(secret: &str) -> SigningKey {
    SigningKey::from_text(&format!("ed25519 policy_server {secret}")).unwrap()
}

impl Policy {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            key: key("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1"),
            asked: Mutex::default(),
            refuses_all: AtomicBool::new(false),
        });
        let routes = Router::new()
            .route("/_matrix/policy/v1/sign", post(sign))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, inner }
    }

    async fn protected(&self) -> TestServer {
        TestServer::start_with(&format!(
            "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
             rooms.policy_server = \"http://{}\"",
            self.address
        ))
        .await
    }

    fn content(&self) -> Value {
        content("pli.test", &self.inner.key)
    }

    fn asked(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.inner.asked.lock().unwrap())
    }
}

fn content(via: &str, key: &SigningKey) -> Value {
    json!({ "via": via, "public_keys": { "ed25519": key.public_key().encode() } })
}

async fn sign(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    Json(event): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let authorization = headers["authorization"].to_str().unwrap().to_owned();
    inner.asked.lock().unwrap().push((authorization, event.clone()));
    if inner.refuses_all.load(Ordering::SeqCst) || event["content"]["body"] == "spam" {
        let refusal = json!({ "errcode": "M_FORBIDDEN", "error": "This looks like spam" });
        return (StatusCode::BAD_REQUEST, Json(refusal));
    }
    let mut object: CanonicalJsonObject = serde_json::from_value(event).unwrap();
    let rules = room_version_rules(&RoomVersionId::V12).unwrap();
    let name = <&ServerName>::try_from("pli.test").unwrap();
    hash_and_sign_event(&mut object, rules, name, &inner.key).unwrap();
    let signatures = serde_json::to_value(&object["signatures"]).unwrap();
    let own = signatures["pli.test"]["ed25519:policy_server"].clone();
    (StatusCode::OK, Json(json!({ "pli.test": { "ed25519:policy_server": own } })))
}

async fn say(server: &TestServer, person: &Person, room: &str, text: &str) -> Answer {
    let path = format!("{V3}/rooms/{room}/send/m.room.message/{text}");
    server.put(person, &path, json!({ "msgtype": "m.text", "body": text })).await
}

async fn set_policy(server: &TestServer, person: &Person, room: &str, content: Value) {
    let path = format!("{V3}/rooms/{room}/state/m.room.policy");
    server.put(person, &path, content).await.ok();
}

/// People in a public room would see what its policy server is there to keep out.
#[tokio::test]
async fn what_the_policy_server_does_not_sign_is_not_sent() {
    let policy = Policy::start().await;
    let server = policy.protected().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room = server.room_of(&[&claire, &samir]).await;
    assert!(policy.asked().is_empty(), "the room has none yet");
    set_policy(&server, &claire, &room, policy.content()).await;
    assert!(policy.asked().is_empty(), "that a room has one is for the room to say");

    let refused = say(&server, &samir, &room, "spam").await.refused(400, "M_FORBIDDEN");
    assert_eq!(refused["error"], "This looks like spam");
    let sent = say(&server, &samir, &room, "bonjour").await.ok();
    let asked = policy.asked();
    let bodies: Vec<_> = asked.iter().map(|(_, event)| &event["content"]["body"]).collect();
    assert_eq!(bodies, ["spam", "bonjour"]);
    let (authorization, event) = &asked[1];
    assert!(authorization.starts_with("X-Matrix "), "{authorization}");
    assert!(authorization.contains("pli.test"), "{authorization}");
    assert!(event["signatures"]["pli.test"].is_object(), "{event}");
    assert!(event["prev_events"].is_array(), "{event}");

    let path = format!("{V3}/rooms/{room}/messages?dir=b&limit=3");
    let shown = server.get(&claire, &path).await.ok()["chunk"].clone();
    assert_eq!(shown[0]["event_id"], sent["event_id"]);
    assert_eq!(shown[1]["type"], "m.room.policy");
}

/// A room whose policy server fails, or was set by mistake, would be lost to its people.
#[tokio::test]
async fn a_room_can_rid_itself_of_its_policy_server() {
    let policy = Policy::start().await;
    let server = policy.protected().await;
    let claire = server.sign_up("claire").await;
    let room = server.room_of(&[&claire]).await;
    set_policy(&server, &claire, &room, policy.content()).await;
    policy.inner.refuses_all.store(true, Ordering::SeqCst);
    say(&server, &claire, &room, "bonjour").await.refused(400, "M_FORBIDDEN");
    set_policy(&server, &claire, &room, json!({})).await;
    say(&server, &claire, &room, "bonjour").await.ok();
}

/// Anybody who answers at its address could pass for the policy server; and a domain that nobody of
/// the room belongs to has no say in it.
#[tokio::test]
async fn only_the_key_and_the_domain_that_the_room_names_count() {
    let policy = Policy::start().await;
    let server = policy.protected().await;
    let claire = server.sign_up("claire").await;
    let room = server.room_of(&[&claire]).await;
    let other = key("XWx9WvxkGr4a8Z4B8ZGGDzTGYkWFRWWnHsZLZ2Ukh6g");
    set_policy(&server, &claire, &room, content("pli.test", &other)).await;
    let refused = say(&server, &claire, &room, "bonjour").await;
    assert_eq!(refused.status, 503, "{}", refused.body);

    set_policy(&server, &claire, &room, content("elsewhere.example", &other)).await;
    policy.asked();
    say(&server, &claire, &room, "bonjour").await.ok();
    assert!(policy.asked().is_empty());
}
