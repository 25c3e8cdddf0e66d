//! What the server counts of its requests, after the conventions of Prometheus.
//!
//! Routes are counted by their template (`/_matrix/client/v3/rooms/{room_id}/leave`), never by the
//! path that a client asked for: paths name people and rooms, and anybody could invent ever new
//! ones.

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::Method;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use tokio::time::Instant;

/// How long requests took until the head of their answer, in seconds, by `route`, `method` and
/// `status`; its `_count` is the number of requests.
pub const REQUEST_DURATION: &str = "pli_http_request_duration_seconds";
/// The upper bounds of [`REQUEST_DURATION`]'s buckets, in seconds. Long-polls fill the last ones.
pub const REQUEST_DURATION_BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// How many syncs are under way; most of them wait for news.
pub const SYNC_REQUESTS: &str = "pli_sync_requests";
/// Bytes of files that came in.
pub const MEDIA_RECEIVED_BYTES: &str = "pli_media_received_bytes_total";
/// Bytes of files that went out.
pub const MEDIA_SENT_BYTES: &str = "pli_media_sent_bytes_total";
/// Batches that the store committed since it was made.
pub const STORE_COMMITS: &str = "pli_store_commits_total";

/// Tells the metrics' recorder what the metrics are. To be called once it is in place.
pub fn describe() {
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Time until the head of an answer, by route, method and status."
    );
    describe_gauge!(SYNC_REQUESTS, "Syncs under way, most of them waiting for news.");
    describe_counter!(MEDIA_RECEIVED_BYTES, Unit::Bytes, "Bytes of files that came in.");
    describe_counter!(MEDIA_SENT_BYTES, Unit::Bytes, "Bytes of files that went out.");
    describe_counter!(STORE_COMMITS, "Batches committed since the store was made.");
    // All of them are there from the first scrape on.
    metrics::gauge!(SYNC_REQUESTS).increment(0);
    metrics::counter!(MEDIA_RECEIVED_BYTES).increment(0);
    metrics::counter!(MEDIA_SENT_BYTES).increment(0);
}

/// Counts and times a request.
pub async fn measure(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = method(request.method());
    let began = Instant::now();
    let response = next.run(request).await;
    let route = route.map_or_else(|| "unknown".to_owned(), |route| route.as_str().to_owned());
    metrics::histogram!(
        REQUEST_DURATION,
        "route" => route,
        "method" => method,
        "status" => status(response.status()),
    )
    .record(began.elapsed());
    response
}

/// Clients can invent methods, too.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn status(status: http::StatusCode) -> String {
    status.as_str().to_owned()
}
