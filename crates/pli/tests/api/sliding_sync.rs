//! Simplified sliding sync over HTTP: what apps built on it would miss.

mod connections;
mod extensions;
mod forms;
mod lists;
mod profiles;
mod rooms;

use serde_json::{Map, Value, json};

use crate::support::{Answer, Person, TestServer};

pub(crate) const SLIDING: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";

/// One connection of a device: it goes on from where the last answer left it.
pub(crate) struct Connection<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) person: Person,
    /// What it asks for.
    pub(crate) body: Value,
    pub(crate) pos: String,
}

impl<'a> Connection<'a> {
    pub(crate) fn new(server: &'a TestServer, person: &Person, body: Value) -> Self {
        Self { server, person: person.clone(), body, pos: String::new() }
    }

    /// One list `rooms` with this window, the last event and the names of rooms.
    pub(crate) fn window(server: &'a TestServer, person: &Person, first: u64, last: u64) -> Self {
        Self::new(server, person, json!({ "lists": { "rooms": list(first, last) } }))
    }

    pub(crate) fn show(&mut self, first: u64, last: u64) {
        self.body["lists"]["rooms"]["ranges"] = json!([[first, last]]);
    }

    /// What is there now.
    pub(crate) async fn sync(&mut self) -> Value {
        let answer = self.ask(0).await.ok();
        answer["pos"].as_str().unwrap().clone_into(&mut self.pos);
        answer
    }

    /// Waits for what an action does to this connection; panics if nothing does.
    pub(crate) async fn wait_for<T>(&mut self, action: impl Future<Output = T>) -> Value {
        let (server, person) = (self.server, self.person.clone());
        let action = async {
            // Lets the waiting request arrive first.
            server.get(&person, "/_matrix/client/v3/account/whoami").await.ok();
            action.await
        };
        let (answer, _) = tokio::join!(self.ask(30_000), action);
        let answer = answer.ok();
        answer["pos"].as_str().unwrap().clone_into(&mut self.pos);
        let said_something = !told(&answer).is_empty() || answer["extensions"] != json!({});
        assert!(said_something, "it came back with nothing: {answer}");
        answer
    }

    pub(crate) async fn ask(&self, timeout: u64) -> Answer {
        let pos = match &*self.pos {
            "" => String::new(),
            pos => format!("&pos={pos}"),
        };
        let path = format!("{SLIDING}?timeout={timeout}{pos}");
        self.server.post(&self.person, &path, self.body.clone()).await
    }
}

pub(crate) fn list(first: u64, last: u64) -> Value {
    json!({
        "ranges": [[first, last]],
        "timeline_limit": 1,
        "required_state": [["m.room.name", ""]],
    })
}

/// The rooms of an answer.
pub(crate) fn told(answer: &Value) -> Map<String, Value> {
    answer["rooms"].as_object().cloned().unwrap_or_default()
}

/// The ids of the rooms of an answer.
pub(crate) fn ids(answer: &Value) -> Vec<String> {
    told(answer).keys().cloned().collect()
}

/// Rooms of one person, each with a message; the last one is the most recent.
pub(crate) async fn rooms_of(server: &TestServer, person: &Person, count: usize) -> Vec<String> {
    let mut rooms = Vec::new();
    for number in 0..count {
        let room_id = server.create_room(person, json!({ "name": format!("{number}") })).await;
        server.write(person, &room_id, &format!("m{number}")).await;
        rooms.push(room_id);
    }
    rooms
}

/// The same ids, sorted as JSON objects sort them.
pub(crate) fn sorted(rooms: &[String]) -> Vec<String> {
    let mut sorted = rooms.to_vec();
    sorted.sort_unstable();
    sorted
}
