//! `GET /_matrix/client/v1/media/preview_url`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url)).
//!
//! A preview has this server fetch whatever address a message names: that tells strangers what people
//! here talk about. So it is off unless the operator switches it on; then there is no data for any
//! address.

use axum::extract::State;
pub(super) use pli_media::previews::UrlPreviews;
use ruma::api::client::authenticated_media::get_media_preview::v1::{Request, Response};
use serde_json::{Map, Value};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(super) async fn preview_url(
    State(previews): State<UrlPreviews>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let preview = preview(&previews, &request.url).await?;
    Response::from_serialize(&preview).map(Answer).map_err(MatrixError::internal)
}

/// What is known of an address.
pub(super) async fn preview(
    previews: &UrlPreviews,
    url: &str,
) -> Result<Map<String, Value>, MatrixError> {
    let url = url::Url::parse(url)
        .map_err(|error| MatrixError::invalid_param(format!("url: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(MatrixError::invalid_param("url: use http or https"));
    }
    Ok((*previews.preview(&url).await).clone())
}
