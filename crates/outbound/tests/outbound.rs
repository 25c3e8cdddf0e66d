//! The client against a server of the test's own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{future::pending, time::Duration};

use axum::{Router, body::Body, http::HeaderMap, response::Redirect, routing::get};
use bytes::Bytes;
use http::Request;
use pli_outbound::{Outbound, OutboundConfig, OutboundError, Reach};

async fn serve(router: Router) -> u16 {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    port
}

fn client(reach: Reach) -> Outbound {
    Outbound::new(&OutboundConfig { max_answer: 8, ..OutboundConfig::new(reach) }).unwrap()
}

fn get_request(address: &str) -> Request<Bytes> {
    Request::get(address).header("authorization", "Bearer secret").body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn the_answer_comes_with_its_status_headers_and_body() {
    let router = Router::new().route(
        "/",
        get(async |headers: HeaderMap| {
            assert_eq!(headers["authorization"], "Bearer secret");
            (http::StatusCode::IM_A_TEAPOT, [("x-a", "b")], "12345678")
        }),
    );
    let port = serve(router).await;
    let answer = client(Reach::Anywhere)
        .send(get_request(&format!("http://127.0.0.1:{port}/")))
        .await
        .unwrap();
    assert_eq!(answer.status(), 418);
    assert_eq!(answer.headers()["x-a"], "b");
    assert_eq!(answer.body(), "12345678");
}

/// A user's push gateway or web address must not become a door to the operator's own services.
#[tokio::test]
async fn addresses_of_users_do_not_lead_to_this_machine() {
    let port = serve(Router::new().route("/", get(async || "reached"))).await;
    let client = client(Reach::Public);
    for host in ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"] {
        let error = client.send(get_request(&format!("http://{host}:{port}/"))).await.unwrap_err();
        assert!(matches!(error, OutboundError::ForbiddenAddress(_)), "{host}: {error}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let router = Router::new()
        .route("/", get(async || Redirect::temporary("/other")))
        .route("/other", get(async || "reached"));
    let port = serve(router).await;
    let answer = client(Reach::Anywhere)
        .send(get_request(&format!("http://127.0.0.1:{port}/")))
        .await
        .unwrap();
    assert_eq!(answer.status(), 307);
}

#[tokio::test]
async fn an_answer_has_its_limit_announced_or_not() {
    let router = Router::new().route("/announced", get(async || "123456789")).route(
        "/streamed",
        get(async || {
            let chunk = Ok::<_, std::convert::Infallible>(Bytes::from_static(b"12345"));
            Body::from_stream(futures_util::stream::iter([chunk.clone(), chunk]))
        }),
    );
    let port = serve(router).await;
    for path in ["announced", "streamed"] {
        let address = format!("http://127.0.0.1:{port}/{path}");
        let error = client(Reach::Anywhere).send(get_request(&address)).await.unwrap_err();
        assert!(matches!(error, OutboundError::TooLarge { limit: 8 }), "{path}: {error}");
    }
}

#[tokio::test]
async fn slow_servers_and_absent_ones_are_told_apart() {
    let port = serve(Router::new().route("/", get(pending::<String>))).await;
    let config = OutboundConfig {
        total_timeout: Duration::from_millis(50),
        ..OutboundConfig::new(Reach::Anywhere)
    };
    let client = Outbound::new(&config).unwrap();
    let error = client.send(get_request(&format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");

    let unused = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = unused.local_addr().unwrap().port();
    drop(unused);
    let error = client
        .send(get_request(&format!("http://127.0.0.1:{port}/?key=secret")))
        .await
        .unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn what_is_no_web_address_is_refused() {
    for address in ["ftp://example.org/", "/path"] {
        let error = client(Reach::Anywhere).send(get_request(address)).await.unwrap_err();
        assert!(matches!(error, OutboundError::InvalidUrl(_)), "{address}: {error}");
    }
}
