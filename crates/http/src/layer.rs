//! What surrounds every request.

pub mod drain;
pub mod echo;
pub mod measure;
pub mod rate_limit;
pub mod unread;

use std::time::Duration;

use axum::{Router, body::Body, extract::Request, response::Response};
use http::{HeaderName, HeaderValue, Method, header};
use tower::{ServiceBuilder, util::MapResponseLayer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, CompressionLevel,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    cors::{Any, CorsLayer},
    timeout::RequestBodyTimeoutLayer,
    trace::TraceLayer,
};

/// How long a client may pause within a request's body.
const BODY_PAUSE: Duration = Duration::from_secs(30);
/// Answers below this size, in bytes, aren't worth compressing.
const COMPRESS_FROM: u64 = 1024;

/// Wraps all routes: panics become a 500, requests are traced without tokens or bodies, answers get
/// the security headers and CORS of the client-server API (section "Web Browser Clients"). Browsers
/// that came by `https` are told to come by it again.
pub fn surround(router: Router, is_https: bool) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("x-requested-with"),
        ])
        // MSC4108: who meets another device in a browser has to see the version.
        .expose_headers([header::ETAG])
        .max_age(Duration::from_secs(24 * 60 * 60));

    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(
        SizeAbove::new(COMPRESS_FROM)
            .and(NotForContentType::IMAGES)
            .and(NotForContentType::new("audio/"))
            .and(NotForContentType::new("video/"))
            .and(NotForContentType::new("application/zip"))
            .and(NotForContentType::new("application/octet-stream")),
    );

    let trace = TraceLayer::new_for_http().make_span_with(|request: &Request<Body>| {
        // The path, never the query: it may carry a token.
        tracing::debug_span!("request", method = %request.method(), path = request.uri().path())
    });

    // All at once: each `Router::layer` boxes what waits.
    router.layer(
        ServiceBuilder::new()
            .layer(unread::ReadRest)
            .map_response(with_headers(if is_https { &BINDING } else { &[] }))
            .map_response(with_headers(&PROTECTING))
            .layer(trace)
            .layer(measure::Measure)
            .layer(cors)
            .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
            .layer(compression)
            .layer(CatchPanicLayer::custom(panicked)),
    )
}

/// Gives every answer the headers that keep browsers from making more of it than it is.
pub fn secure(router: Router) -> Router {
    router.layer(MapResponseLayer::new(with_headers(&PROTECTING)))
}

/// What keeps browsers from making more of an answer than it is.
static PROTECTING: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("geolocation=(), interest-cohort=()"),
    ),
];
/// What lets browsers come by `https` only.
static BINDING: [(HeaderName, HeaderValue); 1] =
    [(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"))];

/// Adds those headers that an answer doesn't have. Takes no memory while the answer is made.
fn with_headers<B>(
    headers: &'static [(HeaderName, HeaderValue)],
) -> impl Fn(Response<B>) -> Response<B> + Clone {
    move |mut response| {
        for (name, value) in headers {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response
    }
}

fn panicked(_cause: Box<dyn std::any::Any + Send>) -> Response {
    use axum::response::IntoResponse;
    crate::MatrixError::internal("a request handler panicked").into_response()
}
