//! `POST /_matrix/media/v3/upload`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload)).

use axum::extract::State;
use pli_media::Media;
use ruma::api::client::media::create_content::v3::{Request, Response};

use super::upload_body::{Upload, describe};
use crate::extract::{Answer, Reply};

pub(super) async fn upload(
    State(media): State<Media>,
    Upload { request, requester, content_length, mut body }: Upload<Request>,
) -> Reply<Response> {
    let description = describe(request.content_type, request.filename, content_length);
    let uploaded = media.upload(&requester.user_id, description, &mut body).await;
    let content_uri = body.after(uploaded).await?;
    Ok(Answer(Response::new(content_uri)))
}
