//! One's account (client-server API, sections "Account management" and "Adding Account Administrative
//! Contact Information").

mod add_email;
mod change_password;
mod deactivate;
mod delete_email;
mod emails;
mod request_email_token;
mod request_password_token;

use axum::Router;
use ruma::api::client::account::{
    add_3pid, change_password as change_password_api, deactivate as deactivate_api, delete_3pid,
    get_3pids, request_3pid_management_token_via_email, request_password_change_token_via_email,
};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<change_password_api::v3::Request, _, _>(change_password::change_password)
        .endpoint::<request_password_change_token_via_email::v3::Request, _, _>(
            request_password_token::request_password_token,
        )
        .endpoint::<deactivate_api::v3::Request, _, _>(deactivate::deactivate)
        .endpoint::<get_3pids::v3::Request, _, _>(emails::emails)
        .endpoint::<request_3pid_management_token_via_email::v3::Request, _, _>(
            request_email_token::request_email_token,
        )
        .endpoint::<add_3pid::v3::Request, _, _>(add_email::add_email)
        .endpoint::<delete_3pid::v3::Request, _, _>(delete_email::delete_email)
}
