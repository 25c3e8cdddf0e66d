//! Requests whose body is a file: it goes to the disk as it comes.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, BodyDataStream},
    extract::{FromRef, FromRequest, FromRequestParts, RawPathParams, Request},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header;
use metrics::Counter;
use pli_accounts::{Requester, Sessions};
use pli_appservice::AppServices;
use pli_media::{FileDescription, MediaError};
use ruma::api::{IncomingRequest, IncomingRequestExt, auth_scheme::AccessToken};

use crate::{
    MatrixError,
    extract::identify,
    layer::{measure::MEDIA_RECEIVED_BYTES, rate_limit::RateLimiter},
};

/// How much of a refused file is still read, in bytes. A client that is busy sending doesn't see an
/// answer that comes with a closed connection.
const READ_AFTER_REFUSAL: usize = 16 * 1024 * 1024;

/// A parsed request but for its body.
pub(super) struct Upload<T> {
    /// The request. Its `file` is empty.
    pub(super) request: T,
    /// Who sent it.
    pub(super) requester: Requester,
    /// How long the file is, if the request says so.
    pub(super) content_length: Option<u64>,
    /// The file.
    pub(super) body: UploadBody,
}

impl<T, S> FromRequest<S> for Upload<T>
where
    T: IncomingRequest<Authentication = AccessToken>,
    S: Send + Sync,
    Sessions: FromRef<S>,
    AppServices: FromRef<S>,
    RateLimiter: FromRef<S>,
{
    type Rejection = MatrixError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MatrixError> {
        let (mut parts, body) = request.into_parts();
        let requester = identify::<AccessToken, S>(&parts, state).await?;
        RateLimiter::from_ref(state).requester(&requester)?;

        let content_length = parts
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let path_parameters = RawPathParams::from_request_parts(&mut parts, state)
            .await
            .map_err(|_| MatrixError::invalid_param("the path is not valid UTF-8"))?;
        let path_arguments: Vec<&str> = path_parameters.iter().map(|(_, value)| value).collect();
        let nothing: &[u8] = &[];
        let request = http::Request::from_parts(parts, nothing);
        let request = T::try_from_http_request(request, &path_arguments)?;
        Ok(Self { request, requester, content_length, body: UploadBody::new(body) })
    }
}

/// What the uploader says about the file.
pub(super) fn describe(
    content_type: Option<String>,
    filename: Option<String>,
    content_length: Option<u64>,
) -> FileDescription {
    FileDescription { content_type, filename, content_length }
}

/// The bytes of a file as they come.
pub(super) struct UploadBody {
    stream: BodyDataStream,
    received: Counter,
}

impl UploadBody {
    fn new(body: Body) -> Self {
        let received = metrics::counter!(MEDIA_RECEIVED_BYTES);
        Self { stream: body.into_data_stream(), received }
    }

    /// What became of the upload. If it was refused, lets the client send a bit more first, so that
    /// it gets to read why.
    pub(super) async fn after<T>(
        mut self,
        uploaded: Result<T, MediaError>,
    ) -> Result<T, MediaError> {
        if uploaded.is_err() {
            let mut read = 0;
            while read < READ_AFTER_REFUSAL {
                match self.next().await {
                    Some(Ok(chunk)) => read += chunk.len(),
                    Some(Err(_)) | None => break,
                }
            }
        }
        uploaded
    }
}

impl Stream for UploadBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.stream.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.received.increment(chunk.len() as u64);
        }
        polled
    }
}
