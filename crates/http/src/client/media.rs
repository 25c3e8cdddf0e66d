//! Files (client-server API, section "Content repository").

mod config;
mod create;
mod download;
mod download_as;
mod frozen;
mod preview_url;
mod serve;
mod thumbnail;
mod upload;
mod upload_announced;
mod upload_body;

use axum::Router;
use ruma::api::client::{
    authenticated_media::{
        get_content, get_content_as_filename, get_content_thumbnail, get_media_config,
        get_media_preview,
    },
    media::{create_content, create_content_async, create_mxc_uri},
};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<create_content::v3::Request, _, _>(upload::upload)
        .endpoint::<create_mxc_uri::v1::Request, _, _>(create::create)
        .endpoint::<create_content_async::v3::Request, _, _>(upload_announced::upload_announced)
        .endpoint::<get_content::v1::Request, _, _>(download::download)
        .endpoint::<get_content_as_filename::v1::Request, _, _>(download_as::download_as)
        .endpoint::<get_content_thumbnail::v1::Request, _, _>(thumbnail::thumbnail)
        .endpoint::<get_media_config::v1::Request, _, _>(config::config)
        .endpoint::<get_media_preview::v1::Request, _, _>(preview_url::preview_url)
        .merge(frozen::routes())
}
