//! `GET /_matrix/client/v3/login`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login)).

use ruma::api::client::session::get_login_types::v3::{
    LoginType, PasswordLoginType, Request, Response, TokenLoginType,
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn login_types(_request: Ruma<Request>) -> Reply<Response> {
    let mut token = TokenLoginType::new();
    token.get_login_token = true;
    let flows = vec![LoginType::Password(PasswordLoginType::new()), LoginType::Token(token)];
    Ok(Answer(Response::new(flows)))
}
