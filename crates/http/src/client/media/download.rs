//! `GET /_matrix/client/v1/media/download/{serverName}/{mediaId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid)).

use axum::{extract::State, response::Response};
use pli_media::Media;
use ruma::api::client::authenticated_media::get_content::v1::Request;

use super::serve::{serve, unless_draining};
use crate::{MatrixError, extract::Ruma, layer::drain::Drain};

pub(super) async fn download(
    State(media): State<Media>,
    State(drain): State<Drain>,
    Ruma { request, .. }: Ruma<Request>,
) -> Result<Response, MatrixError> {
    let Request { server_name, media_id, timeout_ms, .. } = request;
    let found = media.download(&server_name, &media_id, timeout_ms);
    serve(unless_draining(&drain, found).await?)
}
