//! Push rules (client-server API, section "Push Rules: API").

mod all;
mod delete;
mod get;
mod get_actions;
mod get_enabled;
mod global;
mod put;
mod put_actions;
mod put_enabled;

use axum::Router;
use ruma::api::client::push::{
    delete_pushrule, get_pushrule, get_pushrule_actions, get_pushrule_enabled, get_pushrules_all,
    get_pushrules_global_scope, set_pushrule, set_pushrule_actions, set_pushrule_enabled,
};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_pushrules_all::v3::Request, _, _>(all::all)
        .endpoint::<get_pushrules_global_scope::v3::Request, _, _>(global::global)
        .endpoint::<get_pushrule::v3::Request, _, _>(get::get)
        .endpoint::<set_pushrule::v3::Request, _, _>(put::put)
        .endpoint::<delete_pushrule::v3::Request, _, _>(delete::delete)
        .endpoint::<get_pushrule_actions::v3::Request, _, _>(get_actions::get_actions)
        .endpoint::<set_pushrule_actions::v3::Request, _, _>(put_actions::put_actions)
        .endpoint::<get_pushrule_enabled::v3::Request, _, _>(get_enabled::get_enabled)
        .endpoint::<set_pushrule_enabled::v3::Request, _, _>(put_enabled::put_enabled)
}
