//! A file as an answer.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use http::{HeaderValue, header};
use pli_media::{CONTENT_SECURITY_POLICY, Download, MediaError};

use crate::{
    MatrixError,
    layer::{drain::Drain, measure::MEDIA_SENT_BYTES},
};

/// What lies behind an address never changes; a file that was deleted is gone from browsers a day
/// later.
const CACHE_CONTROL: &str = "private, max-age=86400, immutable";

/// A file with the headers that keep browsers from running it
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#serving-inline-content)).
pub(super) fn serve(download: Download) -> Result<Response, MatrixError> {
    let Download { content_type, content_disposition, content_length, body } = download;
    let header = |value: &str| HeaderValue::from_str(value).map_err(MatrixError::internal);
    let headers = [
        (header::CONTENT_TYPE, header(&content_type)?),
        (header::CONTENT_DISPOSITION, header(&content_disposition.to_string())?),
        (header::CONTENT_LENGTH, content_length.into()),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL)),
    ];
    // The status is out before the last byte is read: a failure then ends the connection early, so
    // that the reader sees that something is missing.
    let sent = metrics::counter!(MEDIA_SENT_BYTES);
    let body = body
        .inspect_ok(move |chunk| sent.increment(chunk.len() as u64))
        .inspect_err(|error| tracing::error!(%error, "a file could not be read"));
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Waits for a file, but not beyond the moment that the server begins to stop.
pub(super) async fn unless_draining(
    drain: &Drain,
    found: impl Future<Output = Result<Download, MediaError>>,
) -> Result<Download, MediaError> {
    tokio::select! {
        biased;
        found = found => found,
        () = drain.begun() => Err(MediaError::NotYetUploaded),
    }
}
