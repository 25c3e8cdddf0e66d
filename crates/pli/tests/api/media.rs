//! If these fail, people can't send each other files, or files reach people whom they aren't for.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{Person, TestServer, conformance};

const DOWNLOAD: &str = "/_matrix/client/v1/media/download";
const THUMBNAIL: &str = "/_matrix/client/v1/media/thumbnail";

async fn send_file(
    server: &TestServer,
    person: &Person,
    method: Method,
    path: &str,
    content_type: &str,
    bytes: impl Into<reqwest::Body>,
) -> (StatusCode, Value) {
    let request = server
        .http
        .request(method.clone(), server.url(path))
        .bearer_auth(&person.access_token)
        .header(header::CONTENT_TYPE, content_type)
        .body(bytes);
    let response = request.send().await.unwrap();
    note(&method, path, &response);
    (response.status(), response.json().await.unwrap())
}

/// Uploads a file and returns its address as `server/id`.
async fn upload(
    server: &TestServer,
    person: &Person,
    query: &str,
    content_type: &str,
    bytes: impl Into<reqwest::Body>,
) -> String {
    let path = format!("/_matrix/media/v3/upload{query}");
    let (status, answer) =
        send_file(server, person, Method::POST, &path, content_type, bytes).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    address(&answer)
}

fn address(answer: &Value) -> String {
    answer["content_uri"].as_str().unwrap().strip_prefix("mxc://").unwrap().to_owned()
}

async fn fetch(server: &TestServer, person: &Person, path: &str) -> Response {
    let request = server.http.get(server.url(path)).bearer_auth(&person.access_token);
    let response = request.send().await.unwrap();
    note(&Method::GET, path, &response);
    response
}

fn note(method: &Method, path: &str, response: &Response) {
    let request = xtask::openapi::Request { method: method.as_str(), path, body: None };
    conformance::note(request, response.status().as_u16());
}

fn header_of<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_file_reaches_somebody_else_whole_and_harmless() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let bytes = vec![7; 3_000_000];
    let file =
        upload(&server, &claire, "?filename=Compte%20rendu.png", "image/png", bytes.clone()).await;

    let response = fetch(&server, &samir, &format!("{DOWNLOAD}/{file}")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header_of(&response, "content-type"), "image/png");
    assert_eq!(
        header_of(&response, "content-disposition"),
        "inline; filename=\"Compte rendu.png\""
    );
    assert_eq!(header_of(&response, "content-length"), "3000000");
    assert_eq!(header_of(&response, "x-content-type-options"), "nosniff");
    assert_eq!(header_of(&response, "cross-origin-resource-policy"), "cross-origin");
    assert!(header_of(&response, "content-security-policy").starts_with("sandbox;"));
    assert!(response.bytes().await.unwrap() == bytes);

    let renamed = fetch(&server, &samir, &format!("{DOWNLOAD}/{file}/%C3%A9t%C3%A9.png")).await;
    assert_eq!(
        header_of(&renamed, "content-disposition"),
        "inline; filename*=utf-8''%C3%A9t%C3%A9.png"
    );
}

#[tokio::test]
async fn a_page_is_saved_and_not_shown() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let file = upload(&server, &claire, "?filename=a.html", "text/html", "<script>").await;
    let response = fetch(&server, &claire, &format!("{DOWNLOAD}/{file}")).await;
    assert_eq!(header_of(&response, "content-type"), "text/html");
    assert_eq!(header_of(&response, "content-disposition"), "attachment; filename=a.html");
}

#[tokio::test]
async fn a_file_without_a_type_is_bytes() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let request = server.http.post(server.url("/_matrix/media/v3/upload"));
    let answer = request.bearer_auth(&claire.access_token).body("x").send().await.unwrap();
    let file = address(&answer.json().await.unwrap());
    let response = fetch(&server, &claire, &format!("{DOWNLOAD}/{file}")).await;
    assert_eq!(header_of(&response, "content-type"), "application/octet-stream");
    assert_eq!(header_of(&response, "content-disposition"), "attachment");
}

#[tokio::test]
async fn strangers_get_and_send_nothing() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let file = upload(&server, &claire, "", "image/png", "x").await;
    for path in [
        format!("{DOWNLOAD}/{file}"),
        format!("{DOWNLOAD}/{file}/a.png"),
        format!("{THUMBNAIL}/{file}?width=32&height=32"),
        "/_matrix/client/v1/media/config".to_owned(),
        "/_matrix/client/v1/media/preview_url?url=https://example.org".to_owned(),
        "/_matrix/media/v3/config".to_owned(),
    ] {
        server.send(Method::GET, &path, None, None).await.refused(401, "M_MISSING_TOKEN");
    }
    for path in ["/_matrix/media/v3/upload", "/_matrix/media/v1/create"] {
        server.send(Method::POST, path, None, None).await.refused(401, "M_MISSING_TOKEN");
    }
    // The endpoints of before never asked for a token: without one there is nothing to be had there.
    for path in [
        format!("/_matrix/media/v3/download/{file}"),
        format!("/_matrix/media/r0/download/{file}/a.png"),
        format!("/_matrix/media/v3/thumbnail/{file}?width=32&height=32"),
    ] {
        server.send(Method::GET, &path, None, None).await.refused(404, "M_NOT_FOUND");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_whether_or_not_it_says_so() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\nmedia.max_upload = \"1 MiB\"",
    )
    .await;
    let claire = server.sign_up("claire").await;
    for path in ["/_matrix/client/v1/media/config", "/_matrix/media/v3/config"] {
        let config = server.get(&claire, path).await.ok();
        assert_eq!(config["m.upload.size"], 1024 * 1024);
    }
    upload(&server, &claire, "", "image/png", vec![1; 1024 * 1024]).await;

    let path = "/_matrix/media/v3/upload";
    let announced = vec![1; 3 * 1024 * 1024];
    let (status, answer) =
        send_file(&server, &claire, Method::POST, path, "image/png", announced).await;
    assert_eq!((status.as_u16(), answer["errcode"].as_str()), (413, Some("M_TOO_LARGE")));

    let pieces = (0..48).map(|_| Ok::<_, std::io::Error>(vec![1_u8; 64 * 1024]));
    let unannounced = reqwest::Body::wrap_stream(tokio_stream::iter(pieces));
    let (status, answer) =
        send_file(&server, &claire, Method::POST, path, "image/png", unannounced).await;
    assert_eq!((status.as_u16(), answer["errcode"].as_str()), (413, Some("M_TOO_LARGE")));
}

#[tokio::test]
async fn a_message_can_name_a_file_before_it_is_uploaded() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let created = server.post(&claire, "/_matrix/media/v1/create", json!({})).await.ok();
    assert_eq!(created["unused_expires_at"], 1_700_000_000_000_u64 + 86_400_000);
    let file = address(&created);

    let early = server.get(&samir, &format!("{DOWNLOAD}/{file}?timeout_ms=0")).await;
    early.refused(504, "M_NOT_YET_UPLOADED");
    let path = format!("/_matrix/media/v3/upload/{file}?filename=a.txt");
    let (status, answer) =
        send_file(&server, &samir, Method::PUT, &path, "text/plain", "faux").await;
    assert_eq!((status.as_u16(), answer["errcode"].as_str()), (403, Some("M_FORBIDDEN")));

    // Samir's client waits; the file comes; it is served at once.
    let waiting_path = format!("{DOWNLOAD}/{file}?timeout_ms=20000");
    let (waited, (status, answer)) = tokio::join!(
        fetch(&server, &samir, &waiting_path),
        send_file(&server, &claire, Method::PUT, &path, "text/plain", "vrai"),
    );
    assert_eq!((status, answer), (StatusCode::OK, json!({})));
    assert_eq!(header_of(&waited, "content-disposition"), "inline; filename=a.txt");
    assert_eq!(waited.text().await.unwrap(), "vrai");

    let (status, answer) =
        send_file(&server, &claire, Method::PUT, &path, "text/plain", "encore").await;
    assert_eq!(
        (status.as_u16(), answer["errcode"].as_str()),
        (409, Some("M_CANNOT_OVERWRITE_MEDIA"))
    );
}

#[tokio::test]
async fn an_announcement_expires() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let created = server.post(&claire, "/_matrix/media/v1/create", json!({})).await.ok();
    let file = address(&created);
    server.clock.advance(Duration::from_secs(86_400));
    let path = format!("/_matrix/media/v3/upload/{file}");
    let (status, answer) = send_file(&server, &claire, Method::PUT, &path, "text/plain", "x").await;
    assert_eq!((status.as_u16(), answer["errcode"].as_str()), (404, Some("M_NOT_FOUND")));
    server.get(&claire, &format!("{DOWNLOAD}/{file}")).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn announcements_without_content_are_limited() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    for _ in 0..100 {
        server.post(&claire, "/_matrix/media/v1/create", json!({})).await.ok();
    }
    let answer = server.post(&claire, "/_matrix/media/v1/create", json!({})).await;
    assert_eq!(answer.headers[header::RETRY_AFTER], "86400");
    answer.refused(429, "M_LIMIT_EXCEEDED");
}

/// A PNG of 400 × 200 pixels, all of one colour.
fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(400, 200, image::Rgb([200, 30, 30]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn pictures_have_thumbnails() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let file = upload(&server, &claire, "", "image/png", picture()).await;
    for (query, size) in [
        ("width=96&height=96&method=crop", (96, 96)),
        ("width=320&height=240&method=scale", (320, 160)),
        ("width=320&height=240", (320, 160)),
        ("width=800&height=600&animated=true", (400, 200)),
    ] {
        let response = fetch(&server, &claire, &format!("{THUMBNAIL}/{file}?{query}")).await;
        assert_eq!(response.status(), StatusCode::OK, "{query}");
        assert!(
            header_of(&response, "content-disposition").starts_with("inline; filename=thumbnail.")
        );
        assert!(header_of(&response, "content-security-policy").starts_with("sandbox;"));
        let thumbnail = image::load_from_memory(&response.bytes().await.unwrap()).unwrap();
        assert_eq!((thumbnail.width(), thumbnail.height()), size, "{query}");
    }
}

#[tokio::test]
async fn thumbnails_that_make_no_sense_are_refused() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let text = upload(&server, &claire, "", "text/plain", "du texte").await;
    let thumbnail = async |query: &str| server.get(&claire, &format!("{THUMBNAIL}/{query}")).await;
    thumbnail(&format!("{text}?width=32&height=32")).await.refused(400, "M_UNKNOWN");
    thumbnail(&format!("{text}?width=0&height=32")).await.refused(400, "M_INVALID_PARAM");
    thumbnail(&format!("{text}?width=32&height=32&method=stretch"))
        .await
        .refused(400, "M_INVALID_PARAM");
    thumbnail("pli.test/unknown?width=32&height=32").await.refused(404, "M_NOT_FOUND");
    assert_eq!(thumbnail(&format!("{text}?width=-1&height=x")).await.status.as_u16(), 400);
    assert_eq!(thumbnail(&text).await.status.as_u16(), 400);
}

#[tokio::test]
async fn files_of_other_servers_are_not_found() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = format!("{DOWNLOAD}/ailleurs.example/AQwafuaFswefuhsfAFAgsw");
    server.get(&claire, &path).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn the_server_fetches_no_addresses_for_previews() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = "/_matrix/client/v1/media/preview_url?url=";
    let preview = server.get(&claire, &format!("{path}http://127.0.0.1:9/secret")).await.ok();
    assert_eq!(preview, json!({}));
    server.get(&claire, &format!("{path}file:///etc/passwd")).await.refused(400, "M_INVALID_PARAM");
    server.get(&claire, &format!("{path}nonsense")).await.refused(400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn files_are_still_there_after_a_restart() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let file = upload(&server, &claire, "", "text/plain", "octets").await;
    server.restart().await;
    let response = fetch(&server, &claire, &format!("{DOWNLOAD}/{file}")).await;
    assert_eq!(response.text().await.unwrap(), "octets");
}
