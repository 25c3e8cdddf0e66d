//! What surrounds every request.

pub mod drain;
pub mod echo;
pub mod measure;
pub mod rate_limit;
pub mod unread;

use std::time::Duration;

use axum::{Router, body::Body, extract::Request, middleware::from_fn, response::Response};
use http::{HeaderName, HeaderValue, Method, header};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, CompressionLevel,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    cors::{Any, CorsLayer},
    set_header::SetResponseHeaderLayer,
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

    let router = router.layer(
        ServiceBuilder::new()
            .layer(trace)
            .layer(from_fn(measure::measure))
            .layer(cors)
            .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
            .layer(compression)
            .layer(CatchPanicLayer::custom(panicked)),
    );
    let mut router = secure(router);
    if is_https {
        let header = header_if_absent(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        router = router.layer(header);
    }
    router.layer(unread::ReadRest)
}

/// Gives every answer the headers that keep browsers from making more of it than it is.
pub fn secure(router: Router) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(header_if_absent(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(header_if_absent(header::REFERRER_POLICY, "no-referrer"))
            .layer(header_if_absent(header::X_FRAME_OPTIONS, "DENY"))
            .layer(header_if_absent(
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; frame-ancestors 'none'",
            ))
            .layer(header_if_absent(
                HeaderName::from_static("cross-origin-resource-policy"),
                "cross-origin",
            ))
            .layer(header_if_absent(
                HeaderName::from_static("permissions-policy"),
                "geolocation=(), interest-cohort=()",
            )),
    )
}

fn header_if_absent(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

fn panicked(_cause: Box<dyn std::any::Any + Send>) -> Response {
    use axum::response::IntoResponse;
    crate::MatrixError::internal("a request handler panicked").into_response()
}
