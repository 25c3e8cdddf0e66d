//! `GET /_matrix/client/v1/register/m.login.registration_token/validity`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity)).

use axum::extract::State;
use pli_accounts::UserInteractive;
use ruma::api::client::account::check_registration_token_validity::v1::{Request, Response};

use crate::{
    extract::{Answer, Reply, Ruma, origin::ClientAddress},
    layer::rate_limit::RateLimiter,
};

pub(in crate::client) async fn token_validity(
    State(user_interactive): State<UserInteractive>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    limiter.sign_in_from(address)?;
    Ok(Answer(Response::new(user_interactive.is_registration_token(&request.token))))
}
