//! What this server's administrators do about people (client-server API, section "Server
//! Administration"), and what people report to them (section "Reporting Content").

mod lock;
mod report_event;
mod report_room;
mod report_user;
mod server_notice;
mod suspend;
mod whois;

use axum::{
    Router,
    routing::{post, put},
};
use ruma::api::client::{admin as api, reporting, room};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<api::get_user_info::v3::Request, _, _>(whois::whois)
        .endpoint_with_unstable::<api::is_user_locked::v1::Request, _, _>(lock::is_locked)
        .endpoint_with_unstable::<api::lock_user::v1::Request, _, _>(lock::lock)
        .endpoint_with_unstable::<api::is_user_suspended::v1::Request, _, _>(suspend::is_suspended)
        .endpoint_with_unstable::<api::suspend_user::v1::Request, _, _>(suspend::suspend)
        .endpoint::<room::report_content::v3::Request, _, _>(report_event::report_event)
        .endpoint_with_unstable::<room::report_room::v3::Request, _, _>(report_room::report_room)
        .endpoint_with_unstable::<reporting::report_user::v3::Request, _, _>(
            report_user::report_user,
        )
        .route("/_synapse/admin/v1/send_server_notice", post(server_notice::send))
        .route(
            "/_synapse/admin/v1/send_server_notice/{transaction_id}",
            put(server_notice::send_once),
        )
}
