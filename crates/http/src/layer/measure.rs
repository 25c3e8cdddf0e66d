//! What the server counts of its requests, after the conventions of Prometheus.
//!
//! Routes are counted by their template (`/_matrix/client/v3/rooms/{room_id}/leave`), never by the
//! path that a client asked for: paths name people and rooms, and anybody could invent ever new
//! ones.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::extract::{MatchedPath, Request};
use http::{Method, Response};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

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

/// Counts and times requests.
#[derive(Clone, Copy, Debug)]
pub struct Measure;

impl<S> Layer<S> for Measure {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured(inner)
    }
}

/// What [`Measure`] wraps.
#[derive(Clone, Debug)]
pub struct Measured<S>(S);

impl<S, B> Service<Request> for Measured<S>
where
    S: Service<Request, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Measuring<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Measuring<S::Future> {
        Measuring {
            route: request.extensions().get().cloned(),
            method: method(request.method()),
            began: Instant::now(),
            answering: self.0.call(request),
        }
    }
}

pin_project! {
    /// A request that is being answered.
    pub struct Measuring<F> {
        route: Option<MatchedPath>,
        method: &'static str,
        began: Instant,
        #[pin]
        answering: F,
    }
}

impl<F, B, E> Future for Measuring<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let request = self.project();
        let answered = ready!(request.answering.poll(context));
        if let Ok(response) = &answered {
            let route = request.route.as_ref().map_or("unknown", MatchedPath::as_str);
            metrics::histogram!(
                REQUEST_DURATION,
                "route" => route.to_owned(),
                "method" => *request.method,
                "status" => status(response.status()),
            )
            .record(request.began.elapsed());
        }
        Poll::Ready(answered)
    }
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
