//! `GET /_matrix/client/v1/media/config`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediaconfig)).

use axum::extract::State;
use pli_media::Media;
use ruma::{
    UInt,
    api::client::authenticated_media::get_media_config::v1::{Request, Response},
};

use crate::extract::{Answer, Reply, Ruma};

pub(super) async fn config(
    State(media): State<Media>,
    Ruma { .. }: Ruma<Request>,
) -> Reply<Response> {
    Ok(Answer(Response::new(UInt::new_saturating(media.config().max_upload))))
}
