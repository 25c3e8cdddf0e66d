//! Creating accounts (client-server API, section "Account registration and management").

mod available;
mod register;
mod request_email_token;
mod token_validity;

use axum::Router;
use ruma::api::client::account::{
    check_registration_token_validity, get_username_availability, register as register_api,
    request_registration_token_via_email,
};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<register_api::v3::Request, _, _>(register::register)
        .endpoint::<get_username_availability::v3::Request, _, _>(available::available)
        .endpoint::<request_registration_token_via_email::v3::Request, _, _>(
            request_email_token::request_email_token,
        )
        .endpoint::<check_registration_token_validity::v1::Request, _, _>(
            token_validity::token_validity,
        )
}
