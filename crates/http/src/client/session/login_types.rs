//! `GET /_matrix/client/v3/login`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login)).

use axum::extract::State;
use pli_appservice::AppServices;
use ruma::api::client::session::get_login_types::v3::{
    ApplicationServiceLoginType, LoginType, PasswordLoginType, Request, Response, TokenLoginType,
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn login_types(
    State(app_services): State<AppServices>,
    _request: Ruma<Request>,
) -> Reply<Response> {
    let mut token = TokenLoginType::new();
    token.get_login_token = true;
    let mut flows = vec![LoginType::Password(PasswordLoginType::new()), LoginType::Token(token)];
    if !app_services.is_empty() {
        flows.push(LoginType::ApplicationService(ApplicationServiceLoginType::new()));
    }
    Ok(Answer(Response::new(flows)))
}
