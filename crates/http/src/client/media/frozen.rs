//! The media endpoints of before version 1.11 of the specification.
//!
//! Those that serve files ask for no access token. Servers freeze them: files uploaded since are
//! not found there (section "Content repository", client behaviour). Pli began frozen, so there is
//! none that they could serve. The other two ask for a token and work as their successors do.
#![expect(deprecated, reason = "old clients still call these endpoints")]

use axum::{Router, extract::State};
use pli_media::Media;
use ruma::{
    UInt,
    api::client::media::{
        get_content, get_content_as_filename, get_content_thumbnail, get_media_config,
        get_media_preview,
    },
};
use serde_json::{Map, Value};

use crate::{
    AppState, MatrixError,
    extract::{Answer, Reply, Ruma},
    route::RumaRoutes,
};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_content::v3::Request, _, _>(frozen)
        .endpoint::<get_content_as_filename::v3::Request, _, _>(frozen)
        .endpoint::<get_content_thumbnail::v3::Request, _, _>(frozen)
        .endpoint::<get_media_config::v3::Request, _, _>(config)
        .endpoint::<get_media_preview::v3::Request, _, _>(preview_url)
}

async fn frozen() -> MatrixError {
    MatrixError::not_found(
        "files are for people who are signed in: use /_matrix/client/v1/media instead",
    )
}

async fn config(
    State(media): State<Media>,
    Ruma { .. }: Ruma<get_media_config::v3::Request>,
) -> Reply<get_media_config::v3::Response> {
    let upload_size = UInt::new_saturating(media.config().max_upload);
    Ok(Answer(get_media_config::v3::Response::new(upload_size)))
}

async fn preview_url(
    Ruma { .. }: Ruma<get_media_preview::v3::Request>,
) -> Reply<get_media_preview::v3::Response> {
    let nothing = Map::<String, Value>::new();
    get_media_preview::v3::Response::from_serialize(&nothing)
        .map(Answer)
        .map_err(MatrixError::internal)
}
