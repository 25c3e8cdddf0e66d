use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, header::HeaderMap};
use serde_json::{Value, json};

use crate::support::{Answer, TestServer};

const OLD: &str = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous";
const NEW: &str = "/_matrix/client/unstable/io.element.msc4388/rendezvous";

fn old(server: &TestServer, method: Method, path: &str) -> RequestBuilder {
    server.http.request(method, server.url(path))
}

fn etag(headers: &HeaderMap) -> String {
    headers["etag"].to_str().unwrap().to_owned()
}

async fn open(server: &TestServer, text: &str) -> (String, String) {
    let request = old(server, Method::POST, OLD);
    let response =
        request.header("content-type", "text/plain").body(text.to_owned()).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let etag = etag(response.headers());
    let url = Answer::read(response).await.body["url"].as_str().unwrap().to_owned();
    (url.strip_prefix("http://pli.test").unwrap().to_owned(), etag)
}

async fn write(server: &TestServer, path: &str, seen: &str, text: &str) -> Response {
    let request = old(server, Method::PUT, path);
    let request = request.header("content-type", "text/plain").header("if-match", seen);
    request.body(text.to_owned()).send().await.unwrap()
}

/// Two devices talk by replacing one text: without it no phone signs in by QR code.
#[tokio::test]
async fn two_devices_meet() {
    let server = TestServer::start().await;
    let (path, first) = open(&server, "from the new phone").await;
    let read = old(&server, Method::GET, &path).send().await.unwrap();
    assert_eq!(read.status(), 200);
    assert_eq!(read.headers()["content-type"], "text/plain");
    assert_eq!(read.headers()["cache-control"], "no-store");
    assert_eq!(read.headers()["pragma"], "no-cache");
    assert_eq!(etag(read.headers()), first);
    let policy = read.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("sandbox"));
    assert!(read.headers().contains_key("expires") && read.headers().contains_key("last-modified"));
    assert_eq!(read.text().await.unwrap(), "from the new phone");

    let request = old(&server, Method::GET, &path).header("if-none-match", &first);
    assert_eq!(request.send().await.unwrap().status(), 304);
    let written = write(&server, &path, &first, "from the old phone").await;
    assert_eq!(written.status(), 202);
    let second = etag(written.headers());
    assert_ne!(first, second);
    let request = old(&server, Method::GET, &path).header("if-none-match", &first);
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "from the old phone");

    // Who hasn't seen that must not overwrite it.
    let late = write(&server, &path, &first, "too late").await;
    assert_eq!(late.status(), 412);
    assert_eq!(etag(late.headers()), second);
    let late = Answer::read(late).await.body;
    assert_eq!(late["org.matrix.msc4108.errcode"], "M_CONCURRENT_WRITE");

    let end = old(&server, Method::DELETE, &path).send().await.unwrap();
    assert_eq!(end.status(), 204);
    for method in [Method::GET, Method::DELETE] {
        let answer = old(&server, method, &path).send().await.unwrap();
        Answer::read(answer).await.refused(404, "M_NOT_FOUND");
    }
}

/// Apps in browsers have to see the version, and to send it.
#[tokio::test]
async fn browsers_can_meet_too() {
    let server = TestServer::start().await;
    let (path, _) = open(&server, "x").await;
    let request = old(&server, Method::GET, &path).header("origin", "https://app.example.com");
    let headers = request.send().await.unwrap().headers().clone();
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(headers["access-control-expose-headers"], "etag");
    let request = old(&server, Method::OPTIONS, &path)
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "if-match");
    let headers = request.send().await.unwrap().headers().clone();
    let allowed = headers["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("if-match") && allowed.contains("if-none-match"), "{allowed}");
}

/// It must not become a place where strangers keep files, or pages.
#[tokio::test]
async fn little_fits_there_and_not_for_long() {
    let server = TestServer::start().await;
    let request = |body: String| async {
        let request = old(&server, Method::POST, OLD);
        let request = request.header("content-type", "text/plain").body(body);
        Answer::read(request.send().await.unwrap()).await
    };
    assert_eq!(request("x".repeat(4_096)).await.status, 201);
    request("x".repeat(4_097)).await.refused(413, "M_TOO_LARGE");
    let (path, seen) = open(&server, "").await;
    let large = write(&server, &path, &seen, &"x".repeat(4_097)).await;
    Answer::read(large).await.refused(413, "M_TOO_LARGE");

    let html = old(&server, Method::POST, OLD).header("content-type", "text/html").body("x");
    Answer::read(html.send().await.unwrap()).await.refused(400, "M_INVALID_PARAM");
    let nothing = old(&server, Method::POST, OLD).body("x");
    Answer::read(nothing.send().await.unwrap()).await.refused(400, "M_MISSING_PARAM");
    let unseen = old(&server, Method::PUT, &path).header("content-type", "text/plain").body("x");
    Answer::read(unseen.send().await.unwrap()).await.refused(400, "M_MISSING_PARAM");
    let page = old(&server, Method::GET, &path).header("sec-fetch-mode", "navigate");
    Answer::read(page.send().await.unwrap()).await.refused(403, "M_FORBIDDEN");

    server.clock.advance(Duration::from_secs(300));
    let late = old(&server, Method::GET, &path).send().await.unwrap();
    Answer::read(late).await.refused(404, "M_NOT_FOUND");
}

async fn new(server: &TestServer, method: Method, path: &str, body: Value) -> Answer {
    server.send(method, path, None, Some(body)).await
}

/// The same for apps that know the newer way.
#[tokio::test]
async fn two_newer_devices_meet() {
    let server = TestServer::start().await;
    let found = server.send(Method::GET, NEW, None, None).await.ok();
    assert_eq!(found["create_available"], true);
    let opened =
        new(&server, Method::POST, NEW, json!({ "data": "from the new phone" })).await.ok();
    assert_eq!(opened["expires_in_ms"], 300_000);
    let path = format!("{NEW}/{}", opened["id"].as_str().unwrap());
    let read = server.send(Method::GET, &path, None, None).await.ok();
    assert_eq!(read["data"], "from the new phone");
    assert_eq!(read["sequence_token"], opened["sequence_token"]);

    let first = &opened["sequence_token"];
    let write = |token: &Value, data: &str| json!({ "sequence_token": token, "data": data });
    let reply = write(first, "from the old phone");
    let written = new(&server, Method::PUT, &path, reply.clone()).await.ok();
    assert_ne!(&written["sequence_token"], first);
    // The answer got lost: the same once more is fine, and changes nothing.
    let again = new(&server, Method::PUT, &path, reply).await.ok();
    assert_eq!(again, written);
    let late = new(&server, Method::PUT, &path, write(first, "too late")).await;
    late.refused(409, "IO_ELEMENT_MSC4388_CONCURRENT_WRITE");

    server.send(Method::DELETE, &path, None, None).await.ok();
    server.send(Method::GET, &path, None, None).await.refused(404, "M_NOT_FOUND");
    new(&server, Method::PUT, &path, write(first, "x")).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn newer_devices_have_the_same_limits() {
    let server = TestServer::start().await;
    let data = |length: usize| json!({ "data": "\u{1}".repeat(length) });
    new(&server, Method::POST, NEW, data(4_096)).await.ok();
    new(&server, Method::POST, NEW, data(4_097)).await.refused(413, "M_TOO_LARGE");
    new(&server, Method::POST, NEW, json!({})).await.refused(400, "M_BAD_JSON");
    new(&server, Method::POST, NEW, json!({ "data": 7 })).await.refused(400, "M_BAD_JSON");
    let opened = new(&server, Method::POST, NEW, json!({ "data": "" })).await.ok();
    let path = format!("{NEW}/{}", opened["id"].as_str().unwrap());
    let page = server.http.get(server.url(&path)).header("sec-fetch-dest", "document");
    Answer::read(page.send().await.unwrap()).await.refused(403, "M_FORBIDDEN");
    server.clock.advance(Duration::from_secs(300));
    server.send(Method::GET, &path, None, None).await.refused(404, "M_NOT_FOUND");
}
