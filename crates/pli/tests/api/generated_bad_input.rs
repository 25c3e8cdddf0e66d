//! For every operation of the specification: who has no token, or somebody else's, and what is of the
//! wrong type, missing or far too long is refused in words that clients understand, and changes nothing.
//!
//! Made from the OpenAPI description, so that a new operation is tested the day it is served.

use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use xtask::openapi::{OpenApi, Operation};

use crate::support::{Answer, Person, TestServer};

/// What the paths of requests name.
struct World {
    server: TestServer,
    claire: Person,
    samir: Person,
    room_id: String,
    event_id: String,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start_on_disk().await;
        let claire = server.sign_up("claire").await;
        let samir = server.sign_up("samir").await;
        let room_id = server.create_room(&claire, json!({})).await;
        let path = format!("/_matrix/client/v3/rooms/{room_id}/send/m.room.message/t1");
        let sent = server.put(&claire, &path, json!({ "body": "a", "msgtype": "m.text" })).await;
        let event_id = sent.ok()["event_id"].as_str().unwrap().to_owned();
        // When each was last seen is written with their first request.
        server.sync(&samir, "").await;
        Self { server, claire, samir, room_id, event_id }
    }

    /// An operation's path, with names of things that exist and belong to Claire.
    fn path(&self, operation: &Operation) -> String {
        let parameters = [
            ("{roomId}", self.room_id.as_str()),
            ("{roomIdOrAlias}", &self.room_id),
            ("{eventId}", &self.event_id),
            ("{userId}", &self.claire.user_id),
            ("{deviceId}", &self.claire.device_id),
            ("{roomAlias}", "%23bureau:pli.test"),
            ("{serverName}", "pli.test"),
            ("{mediaId}", "abcdef"),
            ("{fileName}", "a.png"),
            ("{eventType}", "org.example.event"),
            ("{type}", "org.example.data"),
            ("{stateKey}", ""),
            ("{txnId}", "t2"),
            ("{kind}", "override"),
            ("{ruleId}", "org.example.rule"),
            ("{receiptType}", "m.read"),
            ("{keyName}", "displayname"),
            ("{tag}", "u.work"),
            ("{filterId}", "1"),
            ("{version}", "1"),
            ("{sessionId}", "session"),
            ("{relType}", "m.thread"),
        ];
        let path = parameters
            .iter()
            .fold(operation.path.clone(), |path, (name, value)| path.replace(name, value));
        path.replace(['{', '}'], "")
    }

    async fn send(
        &self,
        operation: &Operation,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        self.server.send(method, &self.path(operation), token, body).await
    }
}

/// What is wrong with the answers, all of it: one run tells everything.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    /// An answer must be a refusal that clients understand, and change nothing. The challenge of
    /// user-interactive authentication opens a session.
    async fn expect_refusal(&mut self, world: &World, before: u64, what: &str, answer: &Answer) {
        let is_challenge = answer.body.get("flows").is_some();
        let is_understood = is_challenge || answer.body["errcode"].is_string();
        if !answer.status.is_client_error() || !is_understood {
            self.0.push(format!("{what}: {} {}", answer.status, answer.body));
        } else if !is_challenge && world.server.commits().await != before {
            self.0.push(format!("{what}: something was written"));
        }
    }

    fn end(self) {
        assert!(self.0.is_empty(), "{} faults:\n{}", self.0.len(), self.0.join("\n"));
    }
}

fn is_matrix(operation: &Operation) -> bool {
    operation.path.starts_with("/_matrix/")
}

/// Whether the specification asks for a token, or lets guests and strangers in.
fn needs_token(operation: &Operation) -> bool {
    // A summary of a room is for people who are thinking about coming in, signed in or not.
    if operation.id == "getRoomSummary" {
        return false;
    }
    let security = operation.value["security"].as_array();
    security.is_some_and(|ways| {
        !ways.is_empty()
            && ways.iter().all(|way| way.as_object().is_some_and(|way| !way.is_empty()))
    })
}

fn body_schema(operation: &Operation) -> Option<&Value> {
    operation.value["requestBody"]["content"]["application/json"].get("schema")
}

/// The properties of a body whose type the specification says.
fn typed_properties(operation: &Operation) -> Vec<(&str, &str)> {
    let Some(properties) =
        body_schema(operation).and_then(|schema| schema["properties"].as_object())
    else {
        return Vec::new();
    };
    properties
        .iter()
        .filter_map(|(name, schema)| Some((name.as_str(), schema["type"].as_str()?)))
        .collect()
}

/// A body with something right in each property.
fn plausible(operation: &Operation) -> Map<String, Value> {
    typed_properties(operation)
        .into_iter()
        .map(|(name, kind)| {
            let value = match kind {
                "string" => json!("x"),
                "integer" | "number" => json!(1),
                "boolean" => json!(false),
                "array" => json!([]),
                _ => json!({}),
            };
            (name.to_owned(), value)
        })
        .collect()
}

fn of_another_type(kind: &str) -> Value {
    match kind {
        "string" | "boolean" | "integer" | "number" => json!({ "wrong": [] }),
        _ => json!("wrong"),
    }
}

#[tokio::test]
async fn nothing_is_served_to_who_has_no_token_or_an_unknown_one() {
    let world = World::new().await;
    let mut faults = Faults::default();
    let before = world.server.commits().await;
    for operation in OpenApi::bundled().operations().iter().filter(|it| is_matrix(it)) {
        if !needs_token(operation) {
            continue;
        }
        let body = body_schema(operation).map(|_| json!({}));
        for (token, errcode) in [(None, "M_MISSING_TOKEN"), (Some("garbage"), "M_UNKNOWN_TOKEN")] {
            let answer = world.send(operation, token, body.clone()).await;
            let refusal = (answer.status, answer.body["errcode"].as_str());
            if refusal != (StatusCode::UNAUTHORIZED, Some(errcode)) {
                faults.0.push(format!("{}: {} {}", operation.id, answer.status, answer.body));
            }
        }
    }
    faults.end();
    assert_eq!(world.server.commits().await, before);
}

/// Operations where a property of another type is no mistake, and why.
const LENIENT: &[(&str, &str, &str)] = &[
    ("setPushRule", "pattern", "only rules of kind `content` have one"),
    ("setPushRule", "conditions", "only overrides and underrides have them"),
];

#[tokio::test]
async fn a_field_of_a_wrong_type_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let mut faults = Faults::default();
    let token = Some(world.claire.access_token.as_str());
    for operation in OpenApi::bundled().operations().iter().filter(|it| is_matrix(it)) {
        for (name, kind) in typed_properties(operation) {
            let mut body = plausible(operation);
            body.insert(name.to_owned(), of_another_type(kind));
            let before = world.server.commits().await;
            let answer = world.send(operation, token, Some(body.into())).await;
            let what = format!("{} with another type of `{name}`", operation.id);
            if !LENIENT.iter().any(|(id, field, _)| *id == operation.id && *field == name) {
                faults.expect_refusal(&world, before, &what, &answer).await;
            }
        }
    }
    faults.end();
}

#[tokio::test]
async fn a_required_field_that_is_missing_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let mut faults = Faults::default();
    let token = Some(world.claire.access_token.as_str());
    for operation in OpenApi::bundled().operations().iter().filter(|it| is_matrix(it)) {
        let required = body_schema(operation).and_then(|schema| schema["required"].as_array());
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let mut body = plausible(operation);
            body.remove(name);
            let before = world.server.commits().await;
            let answer = world.send(operation, token, Some(body.into())).await;
            let what = format!("{} without `{name}`", operation.id);
            faults.expect_refusal(&world, before, &what, &answer).await;
        }
    }
    faults.end();
}

#[tokio::test]
async fn what_is_far_too_long_breaks_nothing() {
    let world = World::new().await;
    let mut faults = Faults::default();
    let token = Some(world.claire.access_token.as_str());
    let long = "x".repeat(100_000);
    for operation in OpenApi::bundled().operations().iter().filter(|it| is_matrix(it)) {
        for (name, kind) in typed_properties(operation) {
            if kind != "string" {
                continue;
            }
            let mut body = plausible(operation);
            body.insert(name.to_owned(), long.clone().into());
            let before = world.server.commits().await;
            let answer = world.send(operation, token, Some(body.into())).await;
            let what = format!("{} with a long `{name}`", operation.id);
            if !answer.status.is_success() {
                faults.expect_refusal(&world, before, &what, &answer).await;
            }
        }
    }
    faults.end();
}

/// What is everybody's to read, though its path names a user or a room.
const PUBLIC: &[&str] = &[
    "getUserProfile",
    "getProfileField",
    "getPresence",
    "getRoomVisibilityOnDirectory",
    "getRoomSummary",
    "reportRoom",
    "reportUser",
];

#[tokio::test]
async fn nobody_reads_or_changes_what_is_somebody_elses() {
    let world = World::new().await;
    let mut faults = Faults::default();
    let token = Some(world.samir.access_token.as_str());
    for operation in OpenApi::bundled().operations().iter().filter(|it| is_matrix(it)) {
        let is_claires = operation.path.contains("{roomId}") || operation.path.contains("{userId}");
        let is_backup = operation.path.contains("/room_keys/");
        if !is_claires || is_backup || PUBLIC.contains(&operation.id.as_str()) {
            continue;
        }
        let body = body_schema(operation).map(|_| plausible(operation).into());
        let before = world.server.commits().await;
        let answer = world.send(operation, token, body).await;
        faults.expect_refusal(&world, before, &operation.id, &answer).await;
    }
    faults.end();
}

impl World {
    /// Claire has done nothing yet: what an operation ends, no other one needs.
    async fn start_afresh(&mut self, number: usize) {
        self.claire = self.server.sign_up(&format!("claire{number}")).await;
        self.room_id = self.server.create_room(&self.claire, json!({})).await;
        self.event_id = self.server.write(&self.claire, &self.room_id, "un").await;
    }

    /// The least that is right: of objects only what is required.
    fn least(&self, name: &str, schema: &Value) -> Value {
        let schema = OpenApi::bundled().resolve(schema);
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        if let Some(first) = ["oneOf", "anyOf"].iter().find_map(|any| schema[any].get(0)) {
            return self.least(name, first);
        }
        let kinds = &schema["type"];
        match kinds.as_str().or_else(|| kinds.get(0)?.as_str()) {
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(true),
            Some("array") => json!([]),
            Some("string") => self.word(name, schema),
            _ => {
                let mut least = Map::new();
                for part in parts(schema) {
                    for required in part["required"].as_array().into_iter().flatten() {
                        let required = required.as_str().unwrap();
                        let property = parts(schema)
                            .into_iter()
                            .find_map(|part| part["properties"].get(required));
                        let value = self.least(required, property.unwrap_or(&Value::Null));
                        least.insert(required.to_owned(), value);
                    }
                }
                least.into()
            }
        }
    }

    fn word(&self, name: &str, schema: &Value) -> Value {
        match name {
            "user_id" | "userId" => json!(self.samir.user_id),
            "room_id" => json!(self.room_id),
            "event_id" | "m.fully_read" => json!(self.event_id),
            "device_id" => json!(self.claire.device_id),
            _ => schema.get("example").cloned().unwrap_or_else(|| json!("x")),
        }
    }
}

/// A schema and all those that it is made of.
fn parts(schema: &Value) -> Vec<&Value> {
    let schema = OpenApi::bundled().resolve(schema);
    let mut parts: Vec<&Value> =
        schema["allOf"].as_array().into_iter().flatten().flat_map(parts).collect();
    parts.push(schema);
    parts
}

/// The query that an operation requires.
fn query(operation: &Operation) -> String {
    let parameters = operation.value["parameters"].as_array().into_iter().flatten();
    let required = parameters
        .map(|parameter| OpenApi::bundled().resolve(parameter))
        .filter(|parameter| parameter["in"] == "query" && parameter["required"] == true)
        .filter_map(|parameter| parameter["name"].as_str());
    required.map(|name| format!("{name}=1")).collect::<Vec<_>>().join("&")
}

/// Operations whose least body is refused all the same, and why.
const WANTS_MORE: &[(&str, &str)] = &[
    ("uploadCrossSigningKeys", "without a key there is nothing to upload"),
    ("postPusher", "what the schema calls optional is so only where `kind` is null"),
    ("setProfileField", "the field of the path is required, which the schema can't say"),
];

/// Clients leave out what the specification calls optional.
#[tokio::test]
async fn what_is_required_is_enough() {
    let mut world = World::new().await;
    let mut faults = Faults::default();
    let operations = OpenApi::bundled().operations();
    for (number, operation) in operations.iter().filter(|it| is_matrix(it)).enumerate() {
        let Some(schema) = body_schema(operation) else { continue };
        world.start_afresh(number).await;
        let body = world.least("", schema);
        let token = Some(world.claire.access_token.as_str());
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let path = format!("{}?{}", world.path(operation), query(operation));
        let answer = world.server.send(method, &path, token, Some(body.clone())).await;
        let is_malformed = matches!(
            answer.body["errcode"].as_str(),
            Some("M_BAD_JSON" | "M_MISSING_PARAM" | "M_NOT_JSON")
        );
        let wants_more = WANTS_MORE.iter().any(|(id, _)| *id == operation.id);
        if is_malformed != wants_more {
            faults.0.push(format!("{} with {body}: {}", operation.id, answer.body));
        }
    }
    faults.end();
}
