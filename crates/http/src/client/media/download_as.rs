//! `GET /_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaidfilename)).

use axum::{extract::State, response::Response};
use pli_media::Media;
use ruma::api::client::authenticated_media::get_content_as_filename::v1::Request;

use super::serve::{serve, unless_draining};
use crate::{MatrixError, extract::Ruma, layer::drain::Drain};

pub(super) async fn download_as(
    State(media): State<Media>,
    State(drain): State<Drain>,
    Ruma { request, .. }: Ruma<Request>,
) -> Result<Response, MatrixError> {
    let Request { server_name, media_id, filename, timeout_ms, .. } = request;
    let found = media.download(&server_name, &media_id, timeout_ms);
    let mut download = unless_draining(&drain, found).await?;
    download.content_disposition.filename = Some(filename);
    serve(download)
}
