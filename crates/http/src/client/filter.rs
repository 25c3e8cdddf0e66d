//! Filters (client-server API, section "Filtering").

mod create;
mod get;

use axum::Router;
use ruma::api::client::filter::{create_filter, get_filter};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<create_filter::v3::Request, _, _>(create::create)
        .endpoint::<get_filter::v3::Request, _, _>(get::get)
}
