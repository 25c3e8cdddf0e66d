//! `POST /_matrix/media/v1/create`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav1create)).

use axum::extract::State;
use pli_media::{Created, Media};
use ruma::{
    MilliSecondsSinceUnixEpoch, UInt,
    api::client::media::create_mxc_uri::v1::{Request, Response},
};

use crate::extract::{Answer, Reply, Ruma};

pub(super) async fn create(
    State(media): State<Media>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    let Created { content_uri, unused_expires_at } = media.create(&requester.user_id).await?;
    let mut response = Response::new(content_uri);
    let expires_at = MilliSecondsSinceUnixEpoch(UInt::new_saturating(unused_expires_at));
    response.unused_expires_at = Some(expires_at);
    Ok(Answer(response))
}
