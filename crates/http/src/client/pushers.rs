//! Pushers (client-server API, section "Push Notifications").

mod list;
mod set;

use axum::Router;
use ruma::api::client::push::{get_pushers, set_pusher};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_pushers::v3::Request, _, _>(list::list)
        .endpoint::<set_pusher::v3::Request, _, _>(set::set)
}
