//! The media endpoints of before version 1.11 of the specification.
//!
//! Those that serve files asked for no access token. Servers freeze them: files uploaded since are
//! not found there (section "Content repository", client behaviour). Pli began frozen, so only
//! clients that send their token all the same get a file; everybody does where the operator says so.
//! The other two ask for a token and work as their successors do.
#![expect(deprecated, reason = "old clients still call these endpoints")]

use axum::{
    Router,
    extract::{FromRef, FromRequestParts, State},
    response::Response,
};
use http::request::Parts;
use pli_accounts::Sessions;
use pli_appservice::AppServices;
use pli_media::Media;
use ruma::{
    UInt,
    api::{
        auth_scheme::AccessTokenOptional,
        client::media::{
            get_content, get_content_as_filename, get_content_thumbnail, get_media_config,
            get_media_preview,
        },
    },
};

use super::{
    preview_url::{self, UrlPreviews},
    serve::{serve, unless_draining},
    thumbnail,
};
use crate::{
    AppState, MatrixError,
    extract::{Answer, Reply, Ruma, identify},
    layer::drain::Drain,
    route::RumaRoutes,
    state::Settings,
};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_content::v3::Request, _, _>(download)
        .endpoint::<get_content_as_filename::v3::Request, _, _>(download_as)
        .endpoint::<get_content_thumbnail::v3::Request, _, _>(thumbnail)
        .endpoint::<get_media_config::v3::Request, _, _>(config)
        .endpoint::<get_media_preview::v3::Request, _, _>(preview_url)
}

/// Whoever may have files here: who is signed in, or everybody if the operator says so.
struct MayDownload;

impl<S> FromRequestParts<S> for MayDownload
where
    S: Send + Sync,
    Sessions: FromRef<S>,
    AppServices: FromRef<S>,
    Settings: FromRef<S>,
{
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, MatrixError> {
        let requester = identify::<AccessTokenOptional, S>(parts, state).await?;
        if requester.is_some() || Settings::from_ref(state).open_legacy_media {
            return Ok(Self);
        }
        Err(MatrixError::not_found(
            "files are for people who are signed in: use /_matrix/client/v1/media instead",
        ))
    }
}

async fn download(
    _may: MayDownload,
    State(media): State<Media>,
    State(drain): State<Drain>,
    Ruma { request, .. }: Ruma<get_content::v3::Request>,
) -> Result<Response, MatrixError> {
    let found = media.download(&request.server_name, &request.media_id, request.timeout_ms);
    serve(unless_draining(&drain, found).await?)
}

async fn download_as(
    _may: MayDownload,
    State(media): State<Media>,
    State(drain): State<Drain>,
    Ruma { request, .. }: Ruma<get_content_as_filename::v3::Request>,
) -> Result<Response, MatrixError> {
    let found = media.download(&request.server_name, &request.media_id, request.timeout_ms);
    let mut download = unless_draining(&drain, found).await?;
    download.content_disposition.filename = Some(request.filename);
    serve(download)
}

async fn thumbnail(
    _may: MayDownload,
    State(media): State<Media>,
    State(drain): State<Drain>,
    Ruma { request, .. }: Ruma<get_content_thumbnail::v3::Request>,
) -> Result<Response, MatrixError> {
    let wanted =
        thumbnail::wanted(request.method, request.width, request.height, request.animated)?;
    let (server_name, media_id) = (&request.server_name, &request.media_id);
    let found = media.thumbnail(server_name, media_id, wanted, request.timeout_ms);
    serve(unless_draining(&drain, found).await?)
}

async fn config(
    State(media): State<Media>,
    Ruma { .. }: Ruma<get_media_config::v3::Request>,
) -> Reply<get_media_config::v3::Response> {
    let upload_size = UInt::new_saturating(media.config().max_upload);
    Ok(Answer(get_media_config::v3::Response::new(upload_size)))
}

async fn preview_url(
    State(previews): State<UrlPreviews>,
    Ruma { request, .. }: Ruma<get_media_preview::v3::Request>,
) -> Reply<get_media_preview::v3::Response> {
    let preview = preview_url::preview(&previews, &request.url).await?;
    get_media_preview::v3::Response::from_serialize(&preview)
        .map(Answer)
        .map_err(MatrixError::internal)
}
