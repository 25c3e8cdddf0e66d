//! `POST /_matrix/client/v3/register`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register)).

use axum::extract::State;
use pli_accounts::{Registration, devices::SessionRequest, registration::NewAccount};
use ruma::api::client::account::register::{
    RegistrationKind,
    v3::{Request, Response},
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma, origin::ClientAddress},
    layer::rate_limit::RateLimiter,
};

pub(in crate::client) async fn register(
    State(registration): State<Registration>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    limiter.sign_in_from(address)?;
    if request.kind != RegistrationKind::User {
        return Err(MatrixError::new(
            http::StatusCode::FORBIDDEN,
            "M_GUEST_ACCESS_FORBIDDEN",
            "this server has no guests: create an account",
        ));
    }
    let session = (!request.inhibit_login).then_some(SessionRequest {
        device_id: request.device_id,
        initial_device_display_name: request.initial_device_display_name,
        refresh_token: request.refresh_token,
    });
    let account = NewAccount { username: request.username, password: request.password, session };
    let registered = registration.register(&account, request.auth.as_ref()).await?;

    let mut response = Response::new(registered.user_id);
    if let Some(session) = registered.session {
        response.device_id = Some(session.requester.device_id);
        response.access_token = Some(session.tokens.access_token);
        response.refresh_token = session.tokens.refresh_token;
        response.expires_in = session.tokens.expires_in;
    }
    Ok(Answer(response))
}
