//! `PUT /_matrix/media/v3/upload/{serverName}/{mediaId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixmediav3uploadservernamemediaid)).

use axum::{Json, extract::State};
use pli_media::Media;
use ruma::api::client::media::create_content_async::v3::Request;
use serde_json::{Map, Value};

use super::upload_body::{Upload, describe};
use crate::MatrixError;

pub(super) async fn upload_announced(
    State(media): State<Media>,
    Upload { request, requester, content_length, mut body }: Upload<Request>,
) -> Result<Json<Map<String, Value>>, MatrixError> {
    let Request { server_name, media_id, content_type, filename, .. } = request;
    let description = describe(content_type, filename, content_length);
    let user_id = &requester.user_id;
    let uploaded =
        media.upload_announced(user_id, &server_name, &media_id, description, &mut body).await;
    body.after(uploaded).await?;
    Ok(Json(Map::new()))
}
