//! `/sync` over HTTP: what a client is told, when, and what it is not.

mod filters;
mod lazy;
mod membership;
mod state;
mod stress;
mod timeline;
mod tokens;
mod waking;

use serde_json::{Value, json};

use crate::support::{Person, TestServer};

pub(crate) const V3: &str = "/_matrix/client/v3";

/// A client that syncs: it goes on from where the last answer left it.
pub(crate) struct Client<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) person: Person,
    /// Query parameters besides `since` and `timeout`, each with its `&`.
    pub(crate) parameters: String,
    pub(crate) since: String,
}

impl<'a> Client<'a> {
    /// A client that has synced once.
    pub(crate) async fn start(server: &'a TestServer, person: &Person) -> Self {
        Self::start_with(server, person, "").await.0
    }

    pub(crate) async fn start_with(
        server: &'a TestServer,
        person: &Person,
        parameters: &str,
    ) -> (Self, Value) {
        let mut client = Self {
            server,
            person: person.clone(),
            parameters: parameters.to_owned(),
            since: String::new(),
        };
        let initial = client.sync().await;
        (client, initial)
    }

    /// What is there now.
    pub(crate) async fn sync(&mut self) -> Value {
        self.ask("timeout=0").await
    }

    /// Waits for something to happen; panics if nothing does.
    pub(crate) async fn wait(&mut self) -> Value {
        let answer = self.ask("timeout=30000").await;
        assert!(has_news(&answer), "it came back with nothing: {answer}");
        answer
    }

    async fn ask(&mut self, timeout: &str) -> Value {
        let since = match &*self.since {
            "" => String::new(),
            since => format!("&since={since}"),
        };
        let path = format!("{V3}/sync?{timeout}{since}{}", self.parameters);
        let answer = self.server.get(&self.person, &path).await.ok();
        answer["next_batch"].as_str().unwrap().clone_into(&mut self.since);
        answer
    }

    /// Waits for what an action does to this client.
    pub(crate) async fn wait_for<T>(&mut self, action: impl Future<Output = T>) -> Value {
        let (server, person) = (self.server, self.person.clone());
        let action = async {
            // Lets the waiting request arrive first.
            server.get(&person, &format!("{V3}/account/whoami")).await.ok();
            action.await
        };
        tokio::join!(self.wait(), action).0
    }
}

/// Whether an answer says anything.
pub(crate) fn has_news(answer: &Value) -> bool {
    let sections = ["rooms", "account_data", "to_device", "device_lists"];
    sections.iter().any(|section| !answer[section].is_null())
}

/// A filter as a query parameter.
pub(crate) fn filter(filter: &Value) -> String {
    let encoded: String = url_encoded(&filter.to_string());
    format!("&filter={encoded}")
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The bodies of the messages among events.
pub(crate) fn texts(events: &Value) -> Vec<&str> {
    let events = events.as_array().map(Vec::as_slice).unwrap_or_default();
    events.iter().filter_map(|event| event["content"]["body"].as_str()).collect()
}

/// Type and state key of each event, in order.
pub(crate) fn keys(events: &Value) -> Vec<(&str, &str)> {
    let events = events.as_array().map(Vec::as_slice).unwrap_or_default();
    events
        .iter()
        .map(|event| {
            (event["type"].as_str().unwrap(), event["state_key"].as_str().unwrap_or_default())
        })
        .collect()
}

/// Whose membership events are among events, sorted.
pub(crate) fn members(events: &Value) -> Vec<&str> {
    let mut members: Vec<&str> = keys(events)
        .into_iter()
        .filter(|(event_type, _)| *event_type == "m.room.member")
        .map(|(_, user_id)| user_id)
        .collect();
    members.sort_unstable();
    members
}

impl TestServer {
    /// Sends a message; the text, which has no spaces, is its transaction id too.
    pub(crate) async fn write(&self, person: &Person, room_id: &str, text: &str) -> String {
        self.write_content(person, room_id, text, json!({ "msgtype": "m.text", "body": text }))
            .await
    }

    pub(crate) async fn write_content(
        &self,
        person: &Person,
        room_id: &str,
        transaction: &str,
        content: Value,
    ) -> String {
        let path = format!("{V3}/rooms/{room_id}/send/m.room.message/{transaction}");
        let answer = self.put(person, &path, content).await.ok();
        answer["event_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn set_state(
        &self,
        person: &Person,
        room_id: &str,
        type_and_key: &str,
        content: Value,
    ) -> String {
        let path = format!("{V3}/rooms/{room_id}/state/{type_and_key}");
        let answer = self.put(person, &path, content).await.ok();
        answer["event_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn name_room(&self, person: &Person, room_id: &str, name: &str) -> String {
        self.set_state(person, room_id, "m.room.name", json!({ "name": name })).await
    }

    pub(crate) async fn join(&self, person: &Person, room_id: &str) {
        self.post(person, &format!("{V3}/join/{room_id}"), json!({})).await.ok();
    }

    /// `leave`, `kick`, `ban`, `invite`, `forget`, `knock`: what a person does in a room, to
    /// another one where it needs one.
    pub(crate) async fn act(
        &self,
        person: &Person,
        room_id: &str,
        action: &str,
        target: Option<&Person>,
    ) {
        let path = match action {
            "knock" => format!("{V3}/knock/{room_id}"),
            _ => format!("{V3}/rooms/{room_id}/{action}"),
        };
        let body = target.map_or(json!({}), |target| json!({ "user_id": target.user_id }));
        self.post(person, &path, body).await.ok();
    }

    pub(crate) async fn read(&self, person: &Person, room_id: &str, event_id: &str, kind: &str) {
        self.read_in(person, room_id, event_id, kind, json!({})).await;
    }

    pub(crate) async fn read_in(
        &self,
        person: &Person,
        room_id: &str,
        event_id: &str,
        kind: &str,
        thread: Value,
    ) {
        let path = format!("{V3}/rooms/{room_id}/receipt/{kind}/{event_id}");
        self.post(person, &path, thread).await.ok();
    }

    /// A public room of `people`, the first of them its creator.
    pub(crate) async fn room_of(&self, people: &[&Person]) -> String {
        let room_id = self.create_room(people[0], json!({ "preset": "public_chat" })).await;
        for person in &people[1..] {
            self.join(person, &room_id).await;
        }
        room_id
    }
}
