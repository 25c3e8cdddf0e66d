//! What only application services can do (application service API, section "Client-Server API
//! Extensions").

mod ping;
mod set_room_visibility;

use axum::Router;
use ruma::api::client::appservice::{request_ping, set_room_visibility as set_visibility};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint_with_unstable::<request_ping::v1::Request, _, _>(ping::ping)
        .endpoint::<set_visibility::v3::Request, _, _>(set_room_visibility::set_room_visibility)
}
