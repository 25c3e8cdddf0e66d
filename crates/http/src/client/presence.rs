//! Presence (client-server API, section "Presence").

mod get;
mod set;

use axum::Router;
use ruma::api::client::presence::{get_presence, set_presence};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_presence::v3::Request, _, _>(get::get)
        .endpoint::<set_presence::v3::Request, _, _>(set::set)
}
