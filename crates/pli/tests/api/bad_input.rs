//! What clients send that is wrong, by mistake or on purpose. If these fail, a broken or hostile
//! client gets more than an error: it leaves something behind, or takes the server with it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestServer};

const V3: &str = "/_matrix/client/v3";

/// A server with a room, and a list of what did not go as it should.
struct Trial {
    server: TestServer,
    claire: Person,
    samir: Person,
    /// Claire's room.
    room_id: String,
    commits: u64,
    wrong: Vec<String>,
}

impl Trial {
    async fn begin() -> Self {
        let server = TestServer::start_on_disk().await;
        let claire = server.sign_up("claire").await;
        let samir = server.sign_up("samir").await;
        let room_id = server.create_room(&claire, json!({})).await;
        // The first request of each device is noted; the trial is not about that.
        server.sync(&claire, "").await;
        server.sync(&samir, "").await;
        let commits = server.commits().await;
        Self { server, claire, samir, room_id, commits, wrong: Vec::new() }
    }

    /// Expects an error.
    async fn refuses(
        &mut self,
        (status, errcode): (u16, &str),
        method: Method,
        path: &str,
        body: impl Into<Vec<u8>>,
    ) {
        let body: Vec<u8> = body.into();
        let path = path
            .replace("{room}", &self.room_id)
            .replace("{claire}", &self.claire.user_id)
            .replace("{device}", &self.claire.device_id);
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let token = Some(self.claire.access_token.as_str());
        let answer = self.server.send_bytes(method.clone(), &path, token, body).await;
        self.note((status, errcode), &format!("{method} {path:.120} {shown}"), &answer);
    }

    /// Expects any of the errors that are the client's fault.
    async fn finds_fault(&mut self, method: Method, path: &str, body: Value) {
        let path = path.replace("{room}", &self.room_id).replace("{claire}", &self.claire.user_id);
        let answer =
            self.server.send(method.clone(), &path, Some(&self.claire.access_token), Some(body));
        let answer = answer.await;
        if !answer.status.is_client_error() || answer.body["errcode"].is_null() {
            let Answer { status, body, .. } = answer;
            self.wrong.push(format!("{method} {path:.120}\n    got {status} {body:.300}"));
        }
    }

    fn note(&mut self, expected: (u16, &str), what: &str, answer: &Answer) {
        let errcode = answer.body["errcode"].as_str().unwrap_or_default();
        let says_what_is_wrong = answer.body["error"].as_str().is_some_and(|text| !text.is_empty());
        if (answer.status.as_u16(), errcode) != expected || !says_what_is_wrong {
            let Answer { status, body, .. } = answer;
            self.wrong.push(format!("{what}\n    expected {expected:?}, got {status} {body}"));
        }
    }

    /// All was refused, and nothing was written.
    async fn end(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert_eq!(self.server.commits().await, self.commits, "something was written");
        // And the server is still there.
        self.server.sync(&self.claire, "").await;
    }
}

const NOT_JSON: (u16, &str) = (400, "M_NOT_JSON");
const BAD_JSON: (u16, &str) = (400, "M_BAD_JSON");
const INVALID: (u16, &str) = (400, "M_INVALID_PARAM");
const TOO_LARGE: (u16, &str) = (413, "M_TOO_LARGE");
const FORBIDDEN: (u16, &str) = (403, "M_FORBIDDEN");
const NOT_FOUND: (u16, &str) = (404, "M_NOT_FOUND");

/// Endpoints of every kind that take a body.
const WITH_BODY: &[(&str, &str)] = &[
    ("POST", "/createRoom"),
    ("PUT", "/rooms/{room}/send/m.room.message/t"),
    ("PUT", "/rooms/{room}/state/m.room.topic/"),
    ("PUT", "/rooms/{room}/redact/$unknown/t"),
    ("POST", "/rooms/{room}/invite"),
    ("POST", "/rooms/{room}/ban"),
    ("POST", "/rooms/{room}/read_markers"),
    ("PUT", "/rooms/{room}/typing/{claire}"),
    ("PUT", "/user/{claire}/account_data/m.test"),
    ("PUT", "/user/{claire}/rooms/{room}/account_data/m.test"),
    ("PUT", "/user/{claire}/rooms/{room}/tags/u.test"),
    ("POST", "/user/{claire}/filter"),
    ("PUT", "/profile/{claire}/displayname"),
    ("PUT", "/devices/{device}"),
    ("POST", "/delete_devices"),
    ("PUT", "/pushrules/global/content/test"),
    ("POST", "/keys/upload"),
    ("POST", "/keys/query"),
    ("POST", "/keys/claim"),
    ("POST", "/keys/signatures/upload"),
    ("POST", "/keys/device_signing/upload"),
    ("PUT", "/sendToDevice/m.test/t"),
    ("POST", "/room_keys/version"),
    ("PUT", "/room_keys/keys?version=1"),
    ("POST", "/user_directory/search"),
    ("POST", "/publicRooms"),
    ("PUT", "/directory/room/%23test%3Apli.test"),
    ("PUT", "/directory/list/room/{room}"),
    ("POST", "/login"),
    ("POST", "/refresh"),
    ("POST", "/account/password"),
    ("POST", "/account/3pid/email/requestToken"),
];

fn endpoints() -> impl Iterator<Item = (Method, String)> {
    WITH_BODY.iter().map(|(method, path)| (method.parse().unwrap(), format!("{V3}{path}")))
}

#[tokio::test]
async fn what_is_not_json_is_refused_everywhere() {
    let mut trial = Trial::begin().await;
    let bodies: &[&[u8]] = &[
        b"{",
        b"{\"a\":}",
        b"{\"a\":1}{",
        b"{'a':1}",
        b"not json",
        b"{\"a\":\"\xff\xfe\"}",
        b"\xff\xfe\x00",
        b"{\"a\":\"\x00\"}",
        b"{\"a\":\"\\ud800\"",
    ];
    for (method, path) in endpoints() {
        for body in bodies {
            trial.refuses(NOT_JSON, method.clone(), &path, *body).await;
        }
    }
    trial.end().await;
}

#[tokio::test]
async fn what_is_no_object_is_refused_everywhere() {
    let mut trial = Trial::begin().await;
    for (method, path) in endpoints() {
        for body in ["\"text\"", "12", "true", "[1,2]", "null"] {
            trial.refuses(BAD_JSON, method.clone(), &path, body).await;
        }
    }
    trial.end().await;
}

#[tokio::test]
async fn json_without_end_is_refused_everywhere() {
    let mut trial = Trial::begin().await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let inside = format!("{{\"content\":{deep},\"messages\":{deep},\"auth_data\":{deep}}}");
    let never_closed = "[".repeat(1_000_000);
    for (method, path) in endpoints() {
        for body in [&deep, &objects, &inside, &never_closed] {
            trial.refuses(BAD_JSON, method.clone(), &path, body.as_str()).await;
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(9 * 1024 * 1024));
        trial.refuses(TOO_LARGE, method, &path, long).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn fields_of_a_wrong_type_are_refused() {
    let mut trial = Trial::begin().await;
    let post = |path: &str| (Method::POST, format!("{V3}{path}"));
    let put = |path: &str| (Method::PUT, format!("{V3}{path}"));
    let cases = [
        (post("/createRoom"), json!({ "name": 1 })),
        (post("/createRoom"), json!({ "invite": "@samir:pli.test" })),
        (post("/createRoom"), json!({ "invite": ["samir"] })),
        (post("/createRoom"), json!({ "initial_state": [{ "type": "m.room.name" }] })),
        (post("/createRoom"), json!({ "initial_state": [{ "type": 1, "content": {} }] })),
        (post("/createRoom"), json!({ "is_direct": "yes" })),
        (post("/createRoom"), json!({ "room_version": 12 })),
        (post("/createRoom"), json!({ "power_level_content_override": [] })),
        (post("/rooms/{room}/invite"), json!({ "user_id": 7 })),
        (post("/rooms/{room}/invite"), json!({ "user_id": "samir" })),
        (
            post("/rooms/{room}/invite"),
            json!({ "user_id": format!("@{}:pli.test", "x".repeat(300)) }),
        ),
        (post("/rooms/{room}/kick"), json!({})),
        (post("/rooms/{room}/ban"), json!({ "user_id": null })),
        (post("/rooms/{room}/read_markers"), json!({ "m.read": 1 })),
        (post("/rooms/{room}/read_markers"), json!({ "m.read": "no event" })),
        (put("/rooms/{room}/typing/{claire}"), json!({ "typing": "yes" })),
        (put("/rooms/{room}/typing/{claire}"), json!({ "typing": true, "timeout": -1 })),
        (put("/rooms/{room}/state/m.room.member/{claire}"), json!({ "membership": 1 })),
        (put("/user/{claire}/rooms/{room}/tags/u.test"), json!({ "order": "first" })),
        (post("/user/{claire}/filter"), json!({ "room": { "timeline": { "limit": "ten" } } })),
        (put("/profile/{claire}/displayname"), json!({ "displayname": 1 })),
        (put("/profile/{claire}/displayname"), json!({})),
        (put("/profile/{claire}/avatar_url"), json!({ "avatar_url": {} })),
        (put("/devices/{device}"), json!({ "display_name": [] })),
        (post("/keys/query"), json!({ "device_keys": ["@claire:pli.test"] })),
        (post("/keys/query"), json!({ "device_keys": { "claire": [] } })),
        (post("/keys/claim"), json!({ "one_time_keys": { "@claire:pli.test": [] } })),
        (post("/keys/upload"), json!({ "one_time_keys": { "no colon": "x" } })),
        (post("/keys/upload"), json!({ "device_keys": "x" })),
        (put("/sendToDevice/m.test/t"), json!({ "messages": { "@claire:pli.test": 1 } })),
        (put("/pushrules/global/content/test"), json!({ "actions": "notify", "pattern": "x" })),
        (put("/pushrules/global/content/test"), json!({ "actions": [], "pattern": 1 })),
        (post("/room_keys/version"), json!({ "algorithm": 1, "auth_data": {} })),
        (post("/room_keys/version"), json!({ "algorithm": "m.megolm_backup.v1" })),
        (post("/user_directory/search"), json!({ "search_term": 1 })),
        (post("/publicRooms"), json!({ "limit": "all" })),
        (put("/directory/room/%23test%3Apli.test"), json!({ "room_id": "here" })),
        (put("/directory/list/room/{room}"), json!({ "visibility": 1 })),
        (post("/login"), json!({})),
        (post("/login"), json!({ "type": 1 })),
        (
            post("/login"),
            json!({ "type": "m.login.password", "identifier": "claire", "password": "x" }),
        ),
        (post("/login"), json!({ "type": "m.login.password", "password": 1 })),
        (post("/refresh"), json!({ "refresh_token": 1 })),
        (post("/refresh"), json!({})),
        (
            post("/account/3pid/email/requestToken"),
            json!({ "client_secret": "s", "email": 1, "send_attempt": 1 }),
        ),
    ];
    for ((method, path), body) in cases {
        trial.refuses(BAD_JSON, method, &path, body.to_string()).await;
    }
    // These are well-formed events; it is the room that does not take them.
    let (_, path) = put("/rooms/{room}/state/m.room.power_levels/");
    for levels in [json!({ "users": { "claire": 1 } }), json!({ "ban": "50" })] {
        trial.refuses(FORBIDDEN, Method::PUT, &path, levels.to_string()).await;
    }
    trial.end().await;
}

/// Events are signed over their canonical JSON, which has no fractions and no large numbers, and of
/// two equal keys nobody knows which one counts.
#[tokio::test]
async fn what_cannot_be_signed_is_no_event() {
    let mut trial = Trial::begin().await;
    let contents = [
        r#"{"n":0.5}"#,
        r#"{"n":1e400}"#,
        r#"{"n":1e-3}"#,
        r#"{"n":9007199254740992}"#,
        r#"{"n":-9007199254740992}"#,
        r#"{"n":18446744073709551616}"#,
        r#"{"deep":{"list":[1,{"n":1.25}]}}"#,
    ];
    for content in contents {
        for path in ["send/m.test/t", "state/m.test/", "state/m.test/key"] {
            let path = format!("{V3}/rooms/{{room}}/{path}");
            trial.refuses(BAD_JSON, Method::PUT, &path, content).await;
        }
        let body = format!(r#"{{"initial_state":[{{"type":"m.test","content":{content}}}]}}"#);
        trial.refuses(BAD_JSON, Method::POST, &format!("{V3}/createRoom"), body).await;
        let body = format!(r#"{{"creation_content":{content}}}"#);
        trial.refuses(BAD_JSON, Method::POST, &format!("{V3}/createRoom"), body).await;
    }
    trial.end().await;
}

/// One copy of an event must not say another thing than the next.
#[tokio::test]
async fn a_key_that_comes_twice_counts_once_for_everybody() {
    let mut trial = Trial::begin().await;
    let path = format!("{V3}/rooms/{}/send/m.room.message/t", trial.room_id);
    let body = r#"{"body":"first","msgtype":"m.text","body":"second"}"#;
    let token = trial.claire.access_token.as_str();
    let answer = trial.server.send_bytes(Method::PUT, &path, Some(token), body).await;
    if answer.status.is_success() {
        let event_id = answer.body["event_id"].as_str().unwrap().to_owned();
        let path = format!("{V3}/rooms/{}/event/{event_id}", trial.room_id);
        let url = trial.server.url(&path);
        let request = trial.server.http.get(url).bearer_auth(token);
        let text = request.send().await.unwrap().text().await.unwrap();
        assert!(!text.contains("first") && text.contains("second"), "{text}");
    } else {
        answer.refused(400, "M_BAD_JSON");
    }
    // Where a field of a request comes twice, nobody can say what was meant.
    trial.commits = trial.server.commits().await;
    let twice = r#"{"user_id":"@samir:pli.test","user_id":"@claire:pli.test"}"#;
    trial.refuses(BAD_JSON, Method::POST, &format!("{V3}/rooms/{{room}}/ban"), twice).await;
    let twice = r#"{"name":"un","name":"deux"}"#;
    trial.refuses(BAD_JSON, Method::POST, &format!("{V3}/createRoom"), twice).await;
    trial.end().await;
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_it_is_kept() {
    let mut trial = Trial::begin().await;
    let long = "x".repeat(256);
    let longer = "%00".repeat(1_000);
    let put = Method::PUT;
    for name in [&long, &longer] {
        let rooms = format!("{V3}/rooms/{{room}}");
        let user = format!("{V3}/user/{{claire}}");
        for (expected, method, path, body) in [
            (TOO_LARGE, &put, format!("{rooms}/send/{name}/t"), "{}"),
            (TOO_LARGE, &put, format!("{rooms}/state/{name}/"), "{}"),
            (TOO_LARGE, &put, format!("{rooms}/state/m.test/{name}"), "{}"),
            (INVALID, &put, format!("{rooms}/send/m.room.message/{name}"), "{}"),
            (INVALID, &put, format!("{rooms}/redact/$event/{name}"), "{}"),
            (INVALID, &Method::GET, format!("{rooms}/state/m.test/{name}"), ""),
            (INVALID, &Method::GET, format!("{rooms}/event/${name}"), ""),
            (INVALID, &Method::POST, format!("{rooms}/receipt/m.read/${name}"), "{}"),
            (INVALID, &put, format!("{user}/rooms/{{room}}/tags/{name}"), "{}"),
            (TOO_LARGE, &put, format!("{user}/account_data/{name}"), "{}"),
            (TOO_LARGE, &put, format!("{user}/rooms/{{room}}/account_data/{name}"), "{}"),
            (INVALID, &Method::GET, format!("{user}/filter/{name}"), ""),
            (INVALID, &put, format!("{V3}/devices/{name}"), "{}"),
            (INVALID, &Method::GET, format!("{V3}/profile/@{name}:pli.test"), ""),
            (INVALID, &put, format!("{V3}/pushrules/global/content/{name}"), "{}"),
            (TOO_LARGE, &put, format!("{V3}/sendToDevice/{name}/t"), "{\"messages\":{}}"),
            (INVALID, &put, format!("{V3}/sendToDevice/m.test/{name}"), "{\"messages\":{}}"),
            (INVALID, &Method::GET, format!("{V3}/room_keys/version/{name}"), ""),
            (INVALID, &put, format!("{V3}/directory/room/%23{name}%3Apli.test"), "{}"),
            (INVALID, &Method::POST, format!("{V3}/join/!{name}"), "{}"),
        ] {
            trial.refuses(expected, method.clone(), &path, body).await;
        }
    }
    let path = format!("{V3}/profile/{{claire}}/u.{long}");
    let field = json!({ format!("u.{long}"): 1 }).to_string();
    trial.refuses((400, "M_KEY_TOO_LARGE"), put.clone(), &path, field).await;
    let text = |bytes: usize| "x".repeat(bytes);
    let post = Method::POST;
    let alias = json!({ "room_alias_name": text(300) });
    trial.refuses(INVALID, post.clone(), &format!("{V3}/createRoom"), alias.to_string()).await;
    let state = json!({ "initial_state": [{ "type": text(256), "content": {} }] });
    trial.refuses(TOO_LARGE, post.clone(), &format!("{V3}/createRoom"), state.to_string()).await;
    let state =
        json!({ "initial_state": [{ "type": "t", "state_key": text(256), "content": {} }] });
    trial.refuses(TOO_LARGE, post.clone(), &format!("{V3}/createRoom"), state.to_string()).await;
    let topic = json!({ "topic": text(70_000) });
    trial.refuses(TOO_LARGE, post.clone(), &format!("{V3}/createRoom"), topic.to_string()).await;
    let device = json!({ "display_name": text(300) });
    trial
        .refuses(TOO_LARGE, put.clone(), &format!("{V3}/devices/{{device}}"), device.to_string())
        .await;
    let name = json!({ "displayname": text(100_000) });
    let path = format!("{V3}/profile/{{claire}}/displayname");
    trial.refuses(INVALID, put.clone(), &path, name.to_string()).await;
    let login = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": "claire" },
        "password": crate::support::PASSWORD,
        "device_id": text(3_000),
    });
    trial.refuses(INVALID, post.clone(), &format!("{V3}/login"), login.to_string()).await;
    let message = json!({ "messages": { "@claire:pli.test": { text(3_000): {} } } });
    let path = format!("{V3}/sendToDevice/m.test/t");
    let answer = trial.server.put(&trial.claire, &path, message).await;
    assert!(answer.status.is_success() || answer.status == 400, "{answer:?}");
    let data = json!({ "text": text(300_000) });
    let path = format!("{V3}/user/{{claire}}/account_data/m.test");
    trial.refuses(TOO_LARGE, put.clone(), &path, data.to_string()).await;
    trial.commits = trial.server.commits().await;
    trial.end().await;
}

/// What clients name in bodies becomes part of keys of the store, too, and those have their limit.
#[tokio::test]
async fn what_is_named_too_long_in_a_body_is_the_clients_mistake() {
    let mut trial = Trial::begin().await;
    let (post, put) = (Method::POST, Method::PUT);
    let long = "x".repeat(3_000);
    let user = format!("@{long}:pli.test");
    let key = json!({ "key": "AAAA", "signatures": {} });
    let password = json!({ "type": "m.id.user", "user": "claire" });
    for (method, path, body) in [
        (&post, "/keys/upload", json!({ "one_time_keys": { format!("{long}:a"): key } })),
        (
            &post,
            "/keys/upload",
            json!({ "one_time_keys": { format!("signed_curve25519:{long}"): key } }),
        ),
        (&post, "/keys/upload", json!({ "fallback_keys": { format!("{long}:a"): key } })),
        (&post, "/keys/query", json!({ "device_keys": { &user: [] } })),
        (&post, "/keys/claim", json!({ "one_time_keys": { &user: { "D": "signed_curve25519" } } })),
        (&put, "/sendToDevice/m.test/t", json!({ "messages": { &user: { "*": {} } } })),
        (&post, "/rooms/{room}/read_markers", json!({ "m.read": format!("${long}") })),
        (
            &post,
            "/rooms/{room}/receipt/m.read/$unknown",
            json!({ "thread_id": format!("${long}") }),
        ),
        (&put, "/directory/room/%23test%3Apli.test", json!({ "room_id": format!("!{long}") })),
        (&post, "/createRoom", json!({ "invite": [user] })),
        (&post, "/createRoom", json!({ "room_version": long })),
        (
            &post,
            "/register",
            json!({ "username": long, "password": "12345678", "auth": { "type": "m.login.dummy" } }),
        ),
        (
            &post,
            "/login",
            json!({ "type": "m.login.password", "identifier": { "type": "m.id.user", "user": long }, "password": "x" }),
        ),
        (
            &post,
            "/login",
            json!({
                "type": "m.login.password", "identifier": password, "password": crate::support::PASSWORD,
                "initial_device_display_name": "x".repeat(100_000),
            }),
        ),
        (&post, "/login", json!({ "type": "m.login.token", "token": long })),
        (&post, "/refresh", json!({ "refresh_token": long })),
        (
            &post,
            "/account/password/email/requestToken",
            json!({ "client_secret": long, "email": "a@pli.test", "send_attempt": 1 }),
        ),
        (
            &post,
            "/account/password/email/requestToken",
            json!({ "client_secret": "a", "email": format!("{long}@pli.test"), "send_attempt": 1 }),
        ),
        (&post, "/account/3pid/delete", json!({ "medium": "email", "address": long })),
        (
            &post,
            "/room_keys/version",
            json!({ "algorithm": "m.megolm_backup.v1".repeat(1_000), "auth_data": "x" }),
        ),
        (&post, "/user_directory/search", json!({ "search_term": 1, "limit": long })),
        (
            &put,
            "/room_keys/keys?version=1",
            json!({ "rooms": { format!("!{long}"): { "sessions": {} } } }),
        ),
    ] {
        trial.finds_fault(method.clone(), &format!("{V3}{path}"), body).await;
    }
    trial.end().await;
}

/// A name that grows when it is folded for the search is no reason to fail.
#[tokio::test]
async fn names_that_grow_when_folded_are_kept() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = format!("{V3}/profile/{}/displayname", claire.user_id);
    for name in ["\u{3316}".repeat(250), "\u{fdfa}".repeat(250), "\u{1d160}".repeat(250)] {
        server.put(&claire, &path, json!({ "displayname": name })).await.ok();
    }
    // To devices that nobody has, and names that only lists carry.
    let long = "x".repeat(3_000);
    let devices = json!({ "devices": [long] });
    let answer = server.post(&claire, &format!("{V3}/delete_devices"), devices).await;
    assert!(!answer.status.is_server_error(), "{answer:?}");
    let query = json!({ "device_keys": { &claire.user_id: [long] } });
    server.post(&claire, &format!("{V3}/keys/query"), query).await.ok();
    let claim = json!({ "one_time_keys": { &claire.user_id: { &long: long } } });
    let answer = server.post(&claire, &format!("{V3}/keys/claim"), claim).await;
    assert!(!answer.status.is_server_error(), "{answer:?}");
}

#[tokio::test]
async fn malformed_and_unknown_names_are_told_apart() {
    let mut trial = Trial::begin().await;
    let get = Method::GET;
    for (expected, path) in [
        (INVALID, "/rooms/no-room/state"),
        (INVALID, "/rooms/@claire:pli.test/state"),
        (INVALID, "/rooms/%FF%FE/state"),
        (INVALID, "/rooms/{room}/state/%C3%28/key"),
        (INVALID, "/rooms/{room}/event/no-event"),
        (INVALID, "/profile/claire"),
        (INVALID, "/profile/%40claire"),
        (INVALID, "/profile/@claire:"),
        (INVALID, "/directory/room/no-alias"),
        (INVALID, "/rooms/{room}/messages?dir=x"),
        (INVALID, "/rooms/{room}/messages?dir=b&limit=many"),
        (INVALID, "/rooms/{room}/messages?dir=b&limit=-1"),
        (INVALID, "/sync?since=yesterday"),
        (INVALID, "/sync?timeout=soon"),
        (INVALID, "/sync?filter=%7B%22room%22%3A1%7D"),
        (NOT_FOUND, "/sync?filter=unknown"),
        (FORBIDDEN, "/rooms/!unknown%3Apli.test/state"),
        (INVALID, "/rooms/!a%00b%3Apli.test/state"),
        (FORBIDDEN, "/rooms/!..%2F..%2Fetc%2Fpasswd%3Apli.test/state"),
        (NOT_FOUND, "/rooms/{room}/event/$unknown"),
        (NOT_FOUND, "/rooms/{room}/state/m.unknown"),
        (NOT_FOUND, "/profile/@nobody:pli.test"),
        (INVALID, "/profile/@nobody%00:pli.test"),
        (NOT_FOUND, "/profile/@..%2F..:pli.test"),
        (NOT_FOUND, "/devices/unknown"),
        (NOT_FOUND, "/devices/%2E%2E%2F"),
        (NOT_FOUND, "/directory/room/%23unknown%3Apli.test"),
        (NOT_FOUND, "/user/{claire}/filter/unknown"),
        (FORBIDDEN, "/user/@samir:pli.test/filter/0"),
        (NOT_FOUND, "/user/{claire}/account_data/m.unknown"),
        (FORBIDDEN, "/user/@samir:pli.test/account_data/m.direct"),
        (NOT_FOUND, "/room_keys/version/7"),
        (NOT_FOUND, "/pushrules/global/content/unknown"),
    ] {
        trial.refuses(expected, get.clone(), &format!("{V3}{path}"), "").await;
    }
    for path in ["pli.test/unknown", "elsewhere.example/x", "pli.test/..%2F..%2Fsigning.key"] {
        let path = format!("/_matrix/client/v1/media/download/{path}");
        trial.refuses(NOT_FOUND, get.clone(), &path, "").await;
    }
    trial.end().await;
}

#[tokio::test]
async fn who_is_not_in_a_room_changes_nothing_in_it() {
    let mut trial = Trial::begin().await;
    let room = format!("{V3}/rooms/{}", trial.room_id);
    let samir = trial.samir.clone();
    let claire_id = trial.claire.user_id.clone();
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    for (method, path, body) in [
        (&put, format!("{room}/send/m.room.message/t"), json!({ "body": "x" })),
        (&put, format!("{room}/state/m.room.name/"), json!({ "name": "x" })),
        (&put, format!("{room}/state/m.room.member/{claire_id}"), json!({ "membership": "leave" })),
        (&post, format!("{room}/invite"), json!({ "user_id": "@awa:pli.test" })),
        (&post, format!("{room}/kick"), json!({ "user_id": claire_id })),
        (&post, format!("{room}/ban"), json!({ "user_id": claire_id })),
        (&post, format!("{room}/unban"), json!({ "user_id": claire_id })),
        (&post, format!("{room}/join"), json!({})),
        (&post, format!("{room}/receipt/m.read/$unknown"), json!({})),
        (&post, format!("{room}/read_markers"), json!({ "m.read": "$unknown" })),
        (
            &put,
            format!("{room}/typing/{}", samir.user_id),
            json!({ "typing": true, "timeout": 1000 }),
        ),
        (&put, format!("{room}/typing/{claire_id}"), json!({ "typing": true, "timeout": 1000 })),
        (&get, format!("{room}/messages?dir=b"), Value::Null),
        (&get, format!("{room}/members"), Value::Null),
        (&get, format!("{room}/joined_members"), Value::Null),
        (&get, format!("{room}/aliases"), Value::Null),
        (&put, format!("{V3}/profile/{claire_id}/displayname"), json!({ "displayname": "x" })),
        (&put, format!("{V3}/user/{claire_id}/account_data/m.test"), json!({})),
        (&put, format!("{V3}/user/{claire_id}/rooms/{}/tags/u.x", trial.room_id), json!({})),
        (&post, format!("{V3}/user/{claire_id}/filter"), json!({})),
    ] {
        let body = Some(body).filter(|body| !body.is_null());
        let token = Some(samir.access_token.as_str());
        let answer = trial.server.send(method.clone(), &path, token, body).await;
        trial.note(FORBIDDEN, &format!("{method} {path}"), &answer);
    }
    trial.end().await;
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_told() {
    let mut trial = Trial::begin().await;
    for (method, path) in endpoints() {
        // These are how one gets a token.
        if ["/login", "/refresh", "/password", "/publicRooms", "/requestToken"]
            .iter()
            .any(|end| path.ends_with(end))
        {
            continue;
        }
        let path = path.replace("{room}", &trial.room_id).replace("{claire}", "@claire:pli.test");
        // Strangers don't even learn whether the body was well-formed.
        let answer = trial.server.send_bytes(method.clone(), &path, None, "{").await;
        trial.note((401, "M_MISSING_TOKEN"), &format!("{method} {path}"), &answer);
        for token in ["x", "syt_0123456789", "%00", "'; drop table users; --"] {
            let answer = trial.server.send_bytes(method.clone(), &path, Some(token), "{").await;
            trial.note((401, "M_UNKNOWN_TOKEN"), &format!("{method} {path}"), &answer);
        }
        let long = "x".repeat(8_000);
        let answer = trial.server.send_bytes(method.clone(), &path, Some(&long), "{").await;
        trial.note((401, "M_UNKNOWN_TOKEN"), &format!("{method} {path}"), &answer);
    }
    let basic = trial.server.http.get(trial.server.url(&format!("{V3}/joined_rooms")));
    let basic = basic.basic_auth("claire", Some(crate::support::PASSWORD)).send().await.unwrap();
    let answer = Answer::read(basic).await;
    trial.note((401, "M_MISSING_TOKEN"), "basic authentication", &answer);
    trial.end().await;
}

/// Old clients and people with `curl` don't say what they send.
#[tokio::test]
async fn what_a_body_is_called_does_not_matter() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let url = server.url(&format!("{V3}/createRoom"));
    for content_type in ["application/json", "text/plain", "application/x-www-form-urlencoded", "?"]
    {
        let request = server.http.post(&url).bearer_auth(&claire.access_token);
        let request = request.header("content-type", content_type).body("{\"name\":\"x\"}");
        Answer::read(request.send().await.unwrap()).await.ok();
    }
    let token = Some(claire.access_token.as_str());
    // Where all fields are optional, an empty body says as much as an empty object.
    server.send_bytes(Method::POST, &format!("{V3}/createRoom"), token, "").await.ok();
    let empty = server.send_bytes(Method::PUT, &format!("{V3}/sendToDevice/m/t"), token, "").await;
    assert_eq!(empty.status, 400, "{empty:?}");
}
