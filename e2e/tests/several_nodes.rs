//! Several nodes on one PostgreSQL. If these fail, people whose clients reach different nodes don't
//! hear of each other, or of what one of them ended, and nobody goes on where a node died.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{net::SocketAddr, path::Path, time::Duration};

use axum::{Json, Router, extract::State, http::Uri};
use pli::{config::Config, server::Server};
use pli_store::testing::PostgresServer;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::mpsc};

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What nodes share.
struct Site {
    _postgres: PostgresServer,
    store: String,
    folder: TempDir,
    http: reqwest::Client,
}

/// A node, in a runtime of its own so that it can die at once.
struct Node<'a> {
    site: &'a Site,
    address: SocketAddr,
    _server: Server,
    runtime: Option<Runtime>,
}

/// Somebody's access token.
struct Person(String);

impl Site {
    async fn new() -> Self {
        let postgres = PostgresServer::start().unwrap();
        let store = postgres.create_database("pli").await.unwrap();
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
        Self { _postgres: postgres, store, folder: tempfile::tempdir().unwrap(), http }
    }

    async fn node(&self) -> Node<'_> {
        let folder = self.folder.path().display();
        let text = format!(
            "server_name = \"pli.test\"\n\
             public_url = \"http://pli.test\"\n\
             data_dir = \"{folder}\"\n\
             listen.client = \"127.0.0.1:0\"\n\
             listen.admin = \"127.0.0.1:0\"\n\
             store.url = \"{}\"\n\
             registration.mode = \"open\"\n\
             rate_limits.enabled = false\n\
             mail.url = \"outbox:{folder}/outbox\"\n\
             push.allow_private_addresses = true\n\
             push.allow_plain_http = true\n\
             appservices.registrations = [\"{folder}/*.yaml\"]\n\
             passwords.argon2_memory = \"64 KiB\"\n\
             passwords.argon2_iterations = 1\n",
            self.store
        );
        let config: Config = toml::from_str(&text).unwrap();
        let runtime = Runtime::new().unwrap();
        let server = runtime.spawn(Server::start(config)).await.unwrap().unwrap();
        let address = server.client_address();
        Node { site: self, address, _server: server, runtime: Some(runtime) }
    }
}

impl Node<'_> {
    async fn ask(
        &self,
        method: Method,
        path: &str,
        who: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let url = format!("http://{}/_matrix/client/v3/{path}", self.address);
        let mut request = self.site.http.request(method, url).bearer_auth(who);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn get(&self, who: &Person, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, &who.0, None).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn send(&self, method: Method, who: &Person, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, &who.0, Some(&body)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn sign_up(&self, name: &str) -> Person {
        let body = json!({
            "username": name,
            "password": "correct horse battery staple",
            "auth": { "type": "m.login.dummy" },
        });
        let (status, answer) = self.ask(Method::POST, "register", "", Some(&body)).await;
        assert_eq!(status, 200, "{answer}");
        Person(answer["access_token"].as_str().unwrap().to_owned())
    }

    async fn room_of(&self, creator: &Person, other: &Person) -> String {
        let body = json!({ "preset": "public_chat" });
        let room = self.send(Method::POST, creator, "createRoom", body).await;
        let room = room["room_id"].as_str().unwrap().to_owned();
        self.send(Method::POST, other, &format!("join/{room}"), json!({})).await;
        room
    }

    async fn write(&self, who: &Person, room: &str, text: &str) -> String {
        let path = format!("rooms/{room}/send/m.room.message/{text}");
        let content = json!({ "msgtype": "m.text", "body": text });
        let sent = self.send(Method::PUT, who, &path, content).await;
        sent["event_id"].as_str().unwrap().to_owned()
    }

    /// Dies without a word.
    fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Repeats a question until the answer is right.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let repeated = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, repeated).await.expect("it never was so");
}

/// Somebody outside: a push gateway or a bridge. Notes what it is told.
async fn outsider() -> (SocketAddr, mpsc::UnboundedReceiver<(String, Value)>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, told) = mpsc::unbounded_channel();
    let note = async |State(sender): State<mpsc::UnboundedSender<(String, Value)>>,
                      uri: Uri,
                      Json(body): Json<Value>| {
        sender.send((uri.path().to_owned(), body)).unwrap();
        Json(json!({}))
    };
    let routes = Router::new().fallback(note).with_state(sender);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (address, told)
}

async fn next(told: &mut mpsc::UnboundedReceiver<(String, Value)>) -> (String, Value) {
    tokio::time::timeout(PATIENCE, told.recv()).await.expect("nobody said anything").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_at_one_node_is_known_at_the_other() {
    let site = Site::new().await;
    let (first, second) = (site.node().await, site.node().await);
    let claire = first.sign_up("claire").await;
    let samir = first.sign_up("samir").await;
    let room = first.room_of(&claire, &samir).await;

    // Samir waits at the second node for what Claire says at the first.
    let synced = second.get(&samir, "sync").await;
    assert!(synced["rooms"]["join"].get(&room).is_some(), "{synced}");
    let since = synced["next_batch"].as_str().unwrap();
    let waiting = format!("sync?timeout=50000&since={since}");
    let (news, said) =
        tokio::join!(second.get(&samir, &waiting), first.write(&claire, &room, "bonjour"));
    let events = &news["rooms"]["join"][&room]["timeline"]["events"];
    assert_eq!(events[0]["content"]["body"], "bonjour", "{news}");

    // What is taken back at one node is not told at the other any more.
    let read = format!("rooms/{room}/event/{said}");
    assert_eq!(second.get(&samir, &read).await["content"]["body"], "bonjour");
    let redact = format!("rooms/{room}/redact/{said}/t1");
    first.send(Method::PUT, &claire, &redact, json!({})).await;
    until(async || second.get(&samir, &read).await["content"] == json!({})).await;

    // Both write at the same time: nothing is lost.
    for number in 0..5 {
        let (one, other) = (format!("un-{number}"), format!("deux-{number}"));
        tokio::join!(first.write(&claire, &room, &one), second.write(&samir, &room, &other));
    }
    let page = first.get(&claire, &format!("rooms/{room}/messages?dir=b&limit=10")).await;
    let page = page["chunk"].as_array().unwrap();
    assert!(page.iter().all(|event| event["content"]["body"] != "bonjour"));
    assert_eq!(page.len(), 10);

    // A phone that was stolen is signed out at one node, and knocks at the other.
    second.get(&samir, "account/whoami").await;
    first.send(Method::POST, &samir, "logout", json!({})).await;
    until(async || second.ask(Method::GET, "account/whoami", &samir.0, None).await.0 == 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_rings_once_and_goes_on_ringing_when_a_node_dies() {
    let site = Site::new().await;
    let (gateway, mut rung) = outsider().await;
    let first = site.node().await;
    let second = site.node().await;
    let claire = first.sign_up("claire").await;
    let samir = second.sign_up("samir").await;
    let pusher = json!({
        "app_id": "test.app",
        "pushkey": "key",
        "kind": "http",
        "app_display_name": "App",
        "device_display_name": "Phone",
        "lang": "fr",
        "data": { "url": format!("http://{gateway}/_matrix/push/v1/notify"), "format": "event_id_only" },
    });
    second.send(Method::POST, &samir, "pushers/set", pusher).await;
    let room = second.room_of(&claire, &samir).await;

    let mut last = String::new();
    let mut expect_ring = async |event_id: &str, after_death: bool| {
        let mut told = next(&mut rung).await.1["notification"]["event_id"].clone();
        // Who died may not have noted that it had rung: better twice than never.
        if after_death && told == last.as_str() {
            told = next(&mut rung).await.1["notification"]["event_id"].clone();
        }
        assert_eq!(told, event_id);
        event_id.clone_into(&mut last);
    };
    for (node, text) in [(&first, "un"), (&second, "deux"), (&first, "trois")] {
        let said = node.write(&claire, &room, text).await;
        expect_ring(&said, false).await;
    }
    // Whichever of them rang: the other one does it now.
    first.kill();
    let said = second.write(&claire, &room, "quatre").await;
    expect_ring(&said, true).await;
    let third = site.node().await;
    second.kill();
    let said = third.write(&claire, &room, "cinq").await;
    expect_ring(&said, true).await;
    let said = third.write(&claire, &room, "six").await;
    expect_ring(&said, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_is_told_once_and_further_when_a_node_dies() {
    let site = Site::new().await;
    let (bridge, mut told) = outsider().await;
    register_bridge(site.folder.path(), bridge);
    let first = site.node().await;
    let second = site.node().await;
    let claire = first.sign_up("claire").await;
    let samir = second.sign_up("samir").await;
    let room = second.room_of(&claire, &samir).await;

    let mut expect_told = async |event_id: &str| {
        let mut seen: Vec<(String, String)> = Vec::new();
        while seen.last().is_none_or(|(_, last)| last != event_id) {
            let (path, body) = next(&mut told).await;
            for event in body["events"].as_array().unwrap() {
                let event_id = event["event_id"].as_str().unwrap().to_owned();
                // In two transactions it would be two messages on the other side.
                let is_new = seen.iter().all(|(other, known)| *known != event_id || *other == path);
                assert!(is_new, "{event_id} came in {path} and before: {seen:?}");
                seen.push((path.clone(), event_id));
            }
        }
    };
    for (node, text) in [(&first, "un"), (&second, "deux"), (&first, "trois")] {
        let said = node.write(&claire, &room, text).await;
        expect_told(&said).await;
    }
    first.kill();
    let said = second.write(&claire, &room, "quatre").await;
    expect_told(&said).await;
}

fn register_bridge(folder: &Path, address: SocketAddr) {
    let registration = format!(
        "id: bridge\n\
         url: http://{address}\n\
         as_token: as-token-of-the-bridge\n\
         hs_token: hs-token-of-the-bridge\n\
         sender_localpart: bridge\n\
         namespaces:\n  \
           users: [{{ exclusive: false, regex: '@.*:pli\\.test' }}]\n  \
           aliases: []\n  \
           rooms: []\n"
    );
    std::fs::write(folder.join("bridge.yaml"), registration).unwrap();
}
