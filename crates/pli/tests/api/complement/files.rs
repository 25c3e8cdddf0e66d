//! Files at the addresses of before access tokens, and previews of addresses.

use axum::{Router, http::header, response::Html, routing::get};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Person, TestServer, conformance};

async fn upload(server: &TestServer, person: &Person) -> String {
    let answer = server
        .http
        .post(server.url("/_matrix/media/v3/upload"))
        .bearer_auth(&person.access_token)
        .header("content-type", "image/png")
        .body(picture(8, 8))
        .send()
        .await
        .unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    answer["content_uri"].as_str().unwrap().strip_prefix("mxc://").unwrap().to_owned()
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::DynamicImage::new_rgb8(width, height);
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

async fn status(server: &TestServer, token: Option<&str>, path: &str) -> StatusCode {
    let mut request = server.http.get(server.url(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let status = request.send().await.unwrap().status();
    let request = xtask::openapi::Request { method: "GET", path, body: None };
    conformance::note(request, status.as_u16());
    status
}

/// Apps that use the old addresses with their token would show holes for pictures.
#[tokio::test]
async fn who_is_signed_in_gets_files_at_the_old_addresses_and_nobody_else() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let file = upload(&server, &claire).await;
    let token = Some(&*claire.access_token);
    let media = "/_matrix/media/v3";
    let paths = [
        format!("{media}/download/{file}"),
        format!("{media}/download/{file}/chat.png"),
        format!("{media}/thumbnail/{file}?width=32&height=32&method=scale"),
    ];
    for path in &paths {
        assert_eq!(status(&server, token, path).await, StatusCode::OK, "{path}");
        assert_eq!(status(&server, None, path).await, StatusCode::NOT_FOUND, "{path}");
        let stranger = Some("pli_at_unknown");
        assert_eq!(status(&server, stranger, path).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    // What was announced and has not come is waited for, and then said to be so.
    let created = server.post(&claire, "/_matrix/media/v1/create", json!({})).await.ok();
    let announced = created["content_uri"].as_str().unwrap().strip_prefix("mxc://").unwrap();
    let path = format!("{media}/download/{announced}?timeout_ms=0");
    server.get(&claire, &path).await.refused(504, "M_NOT_YET_UPLOADED");
}

#[tokio::test]
async fn an_operator_can_open_the_old_addresses() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
         media.open_legacy_endpoints = true",
    )
    .await;
    let claire = server.sign_up("claire").await;
    let file = upload(&server, &claire).await;
    let path = format!("/_matrix/media/v3/download/{file}");
    assert_eq!(status(&server, None, &path).await, StatusCode::OK);
}

/// A web server with a page and its picture.
async fn web() -> String {
    let page = r#"<html><head><title>The Rock (1996)</title>
        <meta property="og:title" content="The Rock" />
        <meta property="og:type" content="video.movie" />
        <meta property="og:url" content="http://films.example/rock" />
        <meta property="og:image" content="test.png" />
        </head><body></body></html>"#;
    let png = async || ([(header::CONTENT_TYPE, "image/png")], picture(279, 129));
    let router = Router::new()
        .route("/test.html", get(async move || Html(page)))
        .route("/moved", get(async || axum::response::Redirect::to("/test.html")))
        .route("/round", get(async || axum::response::Redirect::to("/round")))
        .route("/test.png", get(png));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn an_address_in_a_message_shows_what_its_page_says_of_itself() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
         media.url_previews = { enabled = true, allow_private_addresses = true }",
    )
    .await;
    let claire = server.sign_up("claire").await;
    let web = web().await;
    let ask = async |path: &str, page: &str| {
        server.get(&claire, &format!("{path}?url={web}/{page}")).await.ok()
    };
    for endpoint in ["/_matrix/client/v1/media/preview_url", "/_matrix/media/v3/preview_url"] {
        for page in ["test.html", "moved"] {
            let preview = ask(endpoint, page).await;
            assert_eq!(preview["og:title"], "The Rock", "{preview}");
            assert_eq!(preview["og:type"], "video.movie");
            assert_eq!(preview["og:url"], "http://films.example/rock");
            assert_eq!(preview["og:image:width"], 279);
            assert_eq!(preview["og:image:height"], 129);
            assert_eq!(preview["matrix:image:size"], picture(279, 129).len());
            let file = preview["og:image"].as_str().unwrap().strip_prefix("mxc://").unwrap();
            let file = format!("/_matrix/client/v1/media/download/{file}");
            let token = Some(&*claire.access_token);
            assert_eq!(status(&server, token, &file).await, StatusCode::OK);
        }
    }
    let endpoint = "/_matrix/client/v1/media/preview_url";
    assert_eq!(ask(endpoint, "test.png").await["og:image:width"], 279);
    for page in ["round", "nothing"] {
        assert_eq!(ask(endpoint, page).await, json!({}), "{page}");
    }
    let path = format!("{endpoint}?url=ftp://films.example/");
    server.get(&claire, &path).await.refused(400, "M_INVALID_PARAM");
    server.send(Method::GET, &path, None, None).await.refused(401, "M_MISSING_TOKEN");
}

/// A message must not make the server knock at doors of the operator's network.
#[tokio::test]
async fn previews_reach_no_private_address_and_no_other_domain() {
    let web = web().await;
    for lines in [
        "media.url_previews = { enabled = true }",
        "media.url_previews = { enabled = true, allow_private_addresses = true, \
         domains = [\"films.example\"] }",
        "media.url_previews = { enabled = false, allow_private_addresses = true }",
    ] {
        let server = TestServer::start_with(&format!(
            "store.url = \"memory:\"\nregistration.mode = \"open\"\n{lines}"
        ))
        .await;
        let claire = server.sign_up("claire").await;
        let path = format!("/_matrix/client/v1/media/preview_url?url={web}/test.html");
        assert_eq!(server.get(&claire, &path).await.ok(), json!({}), "{lines}");
    }
}
