//! `GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediathumbnailservernamemediaid)).

use axum::{extract::State, response::Response};
use pli_media::{Media, Method, ThumbnailRequest};
use ruma::{UInt, api::client::authenticated_media::get_content_thumbnail::v1::Request, media};

use super::serve::{serve, unless_draining};
use crate::{MatrixError, extract::Ruma, layer::drain::Drain};

pub(super) async fn thumbnail(
    State(media): State<Media>,
    State(drain): State<Drain>,
    Ruma { request, .. }: Ruma<Request>,
) -> Result<Response, MatrixError> {
    let Request { server_name, media_id, method, width, height, timeout_ms, animated, .. } =
        request;
    let request = wanted(method, width, height, animated)?;
    let found = media.thumbnail(&server_name, &media_id, request, timeout_ms);
    serve(unless_draining(&drain, found).await?)
}

/// What a request asks for, in the service's words.
pub(super) fn wanted(
    method: Option<media::Method>,
    width: UInt,
    height: UInt,
    animated: Option<bool>,
) -> Result<ThumbnailRequest, MatrixError> {
    let method = match method {
        None | Some(media::Method::Scale) => Method::Scale,
        Some(media::Method::Crop) => Method::Crop,
        Some(_) => return Err(MatrixError::invalid_param("method: use crop or scale")),
    };
    Ok(ThumbnailRequest {
        width: saturating(width),
        height: saturating(height),
        method,
        animated: animated.unwrap_or(false),
    })
}

fn saturating(length: UInt) -> u32 {
    u32::try_from(u64::from(length)).unwrap_or(u32::MAX)
}
