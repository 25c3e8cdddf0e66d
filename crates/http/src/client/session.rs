//! Signing in and out (client-server API, sections "Login" and "Refreshing access tokens").

mod get_token;
mod login;
mod login_types;
mod logout;
mod logout_all;
mod refresh;
mod sso;
mod sso_with_provider;
mod whoami;

use axum::Router;
use ruma::api::client::{
    account::whoami as whoami_api,
    session::{
        get_login_token, get_login_types, login as login_api, logout as logout_api,
        logout_all as logout_all_api, refresh_token, sso_login, sso_login_with_provider,
    },
};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_login_types::v3::Request, _, _>(login_types::login_types)
        .endpoint::<sso_login::v3::Request, _, _>(sso::redirect)
        .endpoint::<sso_login_with_provider::v3::Request, _, _>(sso_with_provider::redirect)
        .endpoint::<login_api::v3::Request, _, _>(login::login)
        .endpoint::<get_login_token::v1::Request, _, _>(get_token::get_token)
        .endpoint::<refresh_token::v3::Request, _, _>(refresh::refresh)
        .endpoint::<logout_api::v3::Request, _, _>(logout::logout)
        .endpoint::<logout_all_api::v3::Request, _, _>(logout_all::logout_all)
        .endpoint::<whoami_api::v3::Request, _, _>(whoami::whoami)
}
