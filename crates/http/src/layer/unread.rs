//! What is left of a request's body when its answer is there.
//!
//! Whoever is refused early (an access token that expired, a path that does not exist) may still be
//! sending. On a connection with a body that nobody read there can be no next request, and its
//! client would find that out by having one fail. So a short rest is read and thrown away, and where
//! there is more the answer says that the connection ends.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    response::Response,
};
use bytes::Bytes;
use futures_util::future::{BoxFuture, Either};
use http::{HeaderValue, Version, header};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use tokio::sync::oneshot;
use tower::{Layer, Service};

/// The longest rest that is read, in bytes.
const SHORT_REST: usize = 64 * 1024;
/// How long the answer waits for it.
const REST_TIME: Duration = Duration::from_secs(1);

/// Sees to it that connections outlive requests that were answered early.
#[derive(Clone, Copy, Debug)]
pub struct ReadRest;

impl<S> Layer<S> for ReadRest {
    type Service = ReadRestService<S>;

    fn layer(&self, inner: S) -> ReadRestService<S> {
        ReadRestService(inner)
    }
}

/// What [`ReadRest`] wraps.
#[derive(Clone, Debug)]
pub struct ReadRestService<S>(S);

impl<S, B> Service<Request> for ReadRestService<S>
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<B>;
    type Error = Infallible;
    /// Requests without a body take no more memory than without this layer.
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<B>, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // In HTTP/2 each request is a stream of its own, which may end whenever it wants to.
        if request.body().is_end_stream() || request.version() > Version::HTTP_11 {
            return Either::Left(self.0.call(request));
        }
        let (give_back, given_back) = oneshot::channel();
        let lend = |body| Body::new(Lent { body, ended: false, give_back: Some(give_back) });
        let answering = self.0.call(request.map(lend));
        Either::Right(Box::pin(answer(answering, given_back)))
    }
}

async fn answer<B>(
    answering: impl Future<Output = Result<Response<B>, Infallible>>,
    mut given_back: oneshot::Receiver<Body>,
) -> Result<Response<B>, Infallible> {
    let mut response = answering.await?;
    if let Ok(rest) = given_back.try_recv()
        // Boxed: an answer that waits for news keeps no room for this.
        && !Box::pin(ends_soon(rest, REST_TIME)).await
    {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Reads the rest of a body. Returns whether it came to its end.
async fn ends_soon(rest: Body, time: Duration) -> bool {
    if rest.size_hint().lower() > SHORT_REST as u64 {
        return false;
    }
    let mut rest = Limited::new(rest, SHORT_REST);
    let reading = async {
        loop {
            match rest.frame().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return false,
                None => return true,
            }
        }
    };
    tokio::time::timeout(time, reading).await.unwrap_or(false)
}

/// A body that comes back from whoever drops it before its end.
struct Lent {
    body: Body,
    ended: bool,
    give_back: Option<oneshot::Sender<Body>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        // What failed has no rest that could be read.
        self.ended |= matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.ended || self.body.is_end_stream() {
            return;
        }
        if let Some(give_back) = self.give_back.take() {
            // Whoever waited for it may be gone.
            let _ = give_back.send(std::mem::take(&mut self.body));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    fn chunks(count: usize) -> impl stream::Stream<Item = Result<Bytes, Infallible>> {
        stream::iter(vec![Ok(Bytes::from_static(&[b' '; 1024])); count])
    }

    #[tokio::test]
    async fn a_short_rest_is_read_and_a_long_or_late_one_is_not_waited_for() {
        assert!(ends_soon(Body::from("{}"), REST_TIME).await);
        assert!(ends_soon(Body::from_stream(chunks(64)), REST_TIME).await);
        assert!(!ends_soon(Body::from_stream(chunks(65)), REST_TIME).await);
        assert!(!ends_soon(Body::from(vec![b' '; SHORT_REST + 1]), REST_TIME).await);
        let late = Body::from_stream(chunks(1).chain(stream::pending()));
        assert!(!ends_soon(late, Duration::ZERO).await);
    }
}
