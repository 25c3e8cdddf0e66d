//! What every answer has in common. If these fail, web clients of other origins are locked out,
//! browsers trust answers too much, or operators don't see what goes on.

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Person, TestServer};

const V3: &str = "/_matrix/client/v3";
const LIMITED: &str =
    "store.url = \"memory:\"\nregistration.mode = \"open\"\nrate_limits.enabled = true";

fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn unknown_endpoints_and_methods_are_errors_that_clients_understand() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    for path in [
        "/_matrix/client/v3/unknown",
        "/_matrix/client/v99/sync",
        "/_matrix/unknown",
        "/_matrix/client/v3/rooms/!a:pli.test/unknown",
        "/_matrix/client/v3/rooms//state/",
        "/_matrix/client/v3/sync/",
        "/_matrix/media/v9/config",
        "/_synapse/admin/v1/unknown",
        "/.well-known/matrix/unknown",
    ] {
        for token in [None, Some(claire.access_token.as_str())] {
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
                server.send(method, path, token, None).await.refused(404, "M_UNRECOGNIZED");
            }
        }
    }
    for (method, path) in [
        (Method::POST, "/sync"),
        (Method::DELETE, "/createRoom"),
        (Method::PUT, "/login"),
        (Method::PATCH, "/profile/@claire:pli.test/displayname"),
        (Method::GET, "/rooms/!a:pli.test/leave"),
    ] {
        let answer = server.send(method, &format!("{V3}{path}"), None, None).await;
        assert!(answer.headers.contains_key("allow"), "{path}: {:?}", answer.headers);
        answer.refused(405, "M_UNRECOGNIZED");
    }
}

#[tokio::test]
async fn web_clients_of_any_origin_may_ask_and_read_errors() {
    let server = TestServer::start().await;
    for path in ["/sync", "/login", "/unknown", "/rooms/x/leave"] {
        let url = server.url(&format!("{V3}{path}"));
        let preflight = server
            .http
            .request(Method::OPTIONS, &url)
            .header("origin", "https://client.example")
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "authorization, content-type")
            .send()
            .await
            .unwrap();
        assert!(preflight.status().is_success(), "{path}: {}", preflight.status());
        let headers = preflight.headers();
        assert_eq!(value(headers, "access-control-allow-origin"), "*");
        let methods = value(headers, "access-control-allow-methods");
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
            assert!(methods.contains(method), "{methods}");
        }
        let allowed = value(headers, "access-control-allow-headers").to_lowercase();
        for header in ["x-requested-with", "content-type", "authorization"] {
            assert!(allowed.contains(header), "{allowed}");
        }
        // An error that the browser hides from the client is no error message.
        let refused = server.http.get(&url).header("origin", "https://client.example");
        let refused = refused.send().await.unwrap();
        assert_eq!(value(refused.headers(), "access-control-allow-origin"), "*", "{path}");
    }
}

#[tokio::test]
async fn a_head_request_says_what_a_get_would() {
    let server = TestServer::start().await;
    for path in ["/_matrix/client/versions", "/_matrix/client/v3/login", "/"] {
        let get = server.http.get(server.url(path)).send().await.unwrap();
        let head = server.http.head(server.url(path)).send().await.unwrap();
        assert_eq!(head.status(), get.status(), "{path}");
        assert_eq!(value(head.headers(), "content-type"), value(get.headers(), "content-type"));
        assert!(head.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn browsers_make_no_more_of_an_answer_than_it_is() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\nmail.from = \"a@pli.test\"",
    )
    .await;
    let admin = [server.admin_url("/health"), server.admin_url("/metrics")];
    let client = ["/_matrix/client/versions", "/_matrix/unknown", "/_matrix/client/v3/sync", "/"]
        .map(|path| server.url(path));
    for url in admin.iter().chain(&client) {
        let answer = server.http.get(url).send().await.unwrap();
        let headers = answer.headers();
        assert_eq!(value(headers, "x-content-type-options"), "nosniff", "{url}");
        assert_eq!(value(headers, "referrer-policy"), "no-referrer", "{url}");
        assert_eq!(value(headers, "x-frame-options"), "DENY", "{url}");
        let policy = value(headers, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{url}: {policy}");
    }
}

async fn until_limited(mut ask: impl AsyncFnMut() -> Answer) -> Answer {
    for _ in 0..1_000 {
        let answer = ask().await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return answer;
        }
    }
    panic!("a thousand requests went through");
}

#[track_caller]
fn says_when_to_come_back(answer: &Answer) {
    assert_eq!(answer.body["errcode"], "M_LIMIT_EXCEEDED");
    let seconds: u64 = value(&answer.headers, "retry-after").parse().unwrap();
    let milliseconds = answer.body["retry_after_ms"].as_u64().unwrap();
    assert_eq!(seconds, milliseconds.div_ceil(1000));
    assert!(milliseconds > 0);
}

/// One client that runs wild takes nothing away from the others.
#[tokio::test]
async fn an_account_that_asks_too_much_waits_alone() {
    let server = TestServer::start_with(LIMITED).await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let search = |person: Person| {
        let server = &server;
        async move {
            let body = json!({ "search_term": "awa" });
            server.post(&person, &format!("{V3}/user_directory/search"), body).await
        }
    };
    let refused = until_limited(async || search(claire.clone()).await).await;
    says_when_to_come_back(&refused);
    search(samir).await.ok();
}

fn wrong_password(user: &str) -> Value {
    json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": user },
        "password": "wrong password",
    })
}

/// A request as a proxy on this machine passes it on.
async fn from(server: &TestServer, address: &str, path: &str, body: &Value) -> Answer {
    let request = server.http.post(server.url(path)).header("x-forwarded-for", address).json(body);
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn an_address_that_tries_too_many_accounts_waits_alone() {
    let server = TestServer::start_with(LIMITED).await;
    server.sign_up("claire").await;
    let login = format!("{V3}/login");
    let mut number = 0;
    let refused = until_limited(async || {
        number += 1;
        from(&server, "192.0.2.1", &login, &wrong_password(&format!("user{number}"))).await
    })
    .await;
    says_when_to_come_back(&refused);
    let right = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": "claire" },
        "password": PASSWORD,
    });
    // What a client writes into the header itself stands before what the proxy saw.
    let pretending = from(&server, "198.51.100.7, 192.0.2.1", &login, &right).await;
    pretending.refused(429, "M_LIMIT_EXCEEDED");
    from(&server, "192.0.2.2", &login, &right).await.ok();
}

/// Behind one address there may be a whole ministry, on the morning on which everybody signs in.
#[tokio::test]
async fn operators_say_how_many_may_sign_in_from_one_address() {
    let lines = "rate_limits.sign_ins_per_minute = 600\nrate_limits.sign_in_burst = 100";
    let server = TestServer::start_with(&format!("{LIMITED}\n{lines}")).await;
    let login = format!("{V3}/login");
    let mut number = 0;
    let refused = until_limited(async || {
        number += 1;
        from(&server, "192.0.2.1", &login, &wrong_password(&format!("user{number}"))).await
    })
    .await;
    says_when_to_come_back(&refused);
    assert!(number > 100, "{number} requests");
}

/// Whoever has one IPv6 address has 2^64 of them.
#[tokio::test]
async fn a_network_counts_as_one_address() {
    let server = TestServer::start_with(LIMITED).await;
    let login = format!("{V3}/login");
    let mut number = 0;
    let refused = until_limited(async || {
        number += 1;
        let address = format!("2001:db8::{number:x}");
        from(&server, &address, &login, &wrong_password(&format!("user{number}"))).await
    })
    .await;
    says_when_to_come_back(&refused);
    let other = from(&server, "2001:db8:0:1::1", &login, &wrong_password("claire")).await;
    other.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn guesses_at_one_account_are_counted_from_wherever_they_come() {
    let server = TestServer::start_with(LIMITED).await;
    let login = format!("{V3}/login");
    let mut number = 0;
    let refused = until_limited(async || {
        number += 1;
        from(&server, &format!("192.0.2.{number}"), &login, &wrong_password("claire")).await
    })
    .await;
    says_when_to_come_back(&refused);
    assert!(number < 40, "{number} guesses");
    from(&server, "192.0.2.200", &login, &wrong_password("samir"))
        .await
        .refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn whatever_costs_a_mail_or_a_hash_is_limited_by_address() {
    let server = TestServer::start_with(LIMITED).await;
    let email = json!({ "client_secret": "secret", "email": "a@pli.test", "send_attempt": 1 });
    for (address, path, body) in [
        ("192.0.2.1", "/register", json!({ "username": "claire" })),
        ("192.0.2.2", "/register/email/requestToken", email.clone()),
        ("192.0.2.3", "/account/password/email/requestToken", email.clone()),
        ("192.0.2.4", "/login", json!({ "type": "m.login.token", "token": "x" })),
    ] {
        let path = format!("{V3}{path}");
        let mut requests = 0;
        let refused = until_limited(async || {
            requests += 1;
            from(&server, address, &path, &body).await
        })
        .await;
        says_when_to_come_back(&refused);
        assert!(requests < 60, "{path}: {requests} requests");
    }
}

/// The value of a line of Prometheus' text form.
fn sample(metrics: &str, line_start: &str) -> Option<f64> {
    let line = metrics.lines().find(|line| line.starts_with(line_start))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn operators_see_what_the_server_does_and_nothing_of_whom() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let path = format!("{V3}/rooms/{room_id}/state/m.room.name");
    server.put(&claire, &path, json!({ "name": "Cantine" })).await.ok();
    server
        .get(&claire, &format!("{V3}/rooms/{room_id}/unknown"))
        .await
        .refused(404, "M_UNRECOGNIZED");
    let url = server.url("/_matrix/media/v3/upload");
    let upload = server.http.post(url).bearer_auth(&claire.access_token).body(vec![0; 1000]);
    assert!(upload.send().await.unwrap().status().is_success());

    let health = server.http.get(server.admin_url("/health")).send().await.unwrap();
    assert_eq!(health.status(), StatusCode::OK);
    let answer = server.http.get(server.admin_url("/metrics")).send().await.unwrap();
    assert!(value(answer.headers(), "content-type").starts_with("text/plain; version=0.0.4"));
    let metrics = answer.text().await.unwrap();
    let count = |labels: &str| {
        sample(&metrics, &format!("pli_http_request_duration_seconds_count{{{labels}}}"))
    };
    let route = "/_matrix/client/v3/rooms/{room_id}/state/{event_type}";
    let set_state = format!("route=\"{route}\",method=\"PUT\",status=\"200\"");
    assert!(count(&set_state) >= Some(1.0), "{metrics}");
    assert!(count("route=\"unknown\",method=\"GET\",status=\"404\"") >= Some(1.0), "{metrics}");
    assert!(metrics.contains("pli_http_request_duration_seconds_bucket"), "{metrics}");
    assert!(sample(&metrics, "pli_store_commits_total") >= Some(3.0), "{metrics}");
    assert!(sample(&metrics, "pli_sync_requests").is_some(), "{metrics}");
    assert!(sample(&metrics, "pli_media_received_bytes_total") >= Some(1000.0), "{metrics}");
    assert!(sample(&metrics, "process_resident_memory_bytes") > Some(1e6), "{metrics}");
    assert!(metrics.contains("# HELP pli_http_request_duration_seconds"), "{metrics}");
    for secret in ["claire", room_id.as_str(), "Cantine"] {
        assert!(!metrics.contains(secret), "{secret}: {metrics}");
    }
    let outside = server.send(Method::GET, "/metrics", None, None).await;
    assert_ne!(value(&outside.headers, "content-type"), "text/plain; version=0.0.4");
}
