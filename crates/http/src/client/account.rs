//! One's account (client-server API, sections "Account management" and "Adding Account Administrative
//! Contact Information").

mod add_email;
mod change_password;
mod deactivate;
mod delete_email;
mod emails;
mod identity_server;
mod request_email_token;
mod request_password_token;

use axum::{Router, routing::post};
use ruma::api::client::account::{
    add_3pid, bind_3pid, change_password as change_password_api, deactivate as deactivate_api,
    delete_3pid, get_3pids, request_3pid_management_token_via_email,
    request_3pid_management_token_via_msisdn, request_password_change_token_via_email,
    request_password_change_token_via_msisdn, request_registration_token_via_msisdn, unbind_3pid,
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
        .route("/_matrix/client/v3/account/3pid", post(identity_server::add))
        .route("/_matrix/client/r0/account/3pid", post(identity_server::add))
        .endpoint::<bind_3pid::v3::Request, _, _>(identity_server::bind)
        .endpoint::<unbind_3pid::v3::Request, _, _>(identity_server::unbind)
        .endpoint::<request_3pid_management_token_via_msisdn::v3::Request, _, _>(
            identity_server::phone_token,
        )
        .endpoint::<request_password_change_token_via_msisdn::v3::Request, _, _>(
            identity_server::phone_password_token,
        )
        .endpoint::<request_registration_token_via_msisdn::v3::Request, _, _>(
            identity_server::phone_registration_token,
        )
}
