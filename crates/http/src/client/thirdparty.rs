//! Third-party networks (client-server API, section "Third-party Networks").

mod location;
mod location_of_alias;
mod protocol;
mod protocols;
mod user;
mod user_of_user;

use std::collections::BTreeMap;

use axum::Router;
use pli_accounts::Requester;
use ruma::api::client::thirdparty as api;

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<api::get_protocols::v3::Request, _, _>(protocols::protocols)
        .endpoint::<api::get_protocol::v3::Request, _, _>(protocol::protocol)
        .endpoint::<api::get_location_for_protocol::v3::Request, _, _>(location::location)
        .endpoint::<api::get_location_for_room_alias::v3::Request, _, _>(
            location_of_alias::location_of_alias,
        )
        .endpoint::<api::get_user_for_protocol::v3::Request, _, _>(user::user)
        .endpoint::<api::get_user_for_user_id::v3::Request, _, _>(user_of_user::user_of_user)
}

/// The fields that are passed on to services: not what says who asks.
fn fields(requester: &Requester, mut query: BTreeMap<String, String>) -> BTreeMap<String, String> {
    query.remove("access_token");
    if requester.is_app_service() {
        for name in ["user_id", "device_id", "org.matrix.msc3202.device_id"] {
            query.remove(name);
        }
    }
    query
}
