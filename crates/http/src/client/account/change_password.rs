//! `POST /_matrix/client/v3/account/password`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword)).

use axum::extract::State;
use pli_accounts::{Credentials, Sessions};
use ruma::api::client::account::change_password::v3::{Request, Response};

use crate::{
    extract::{Answer, Reply, Ruma, origin::ClientAddress},
    layer::rate_limit::RateLimiter,
};

pub(in crate::client) async fn change_password(
    State(credentials): State<Credentials>,
    State(sessions): State<Sessions>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    limiter.sign_in_from(address)?;
    if let Some(requester) = &requester {
        sessions.check_not_granted(requester).await?;
    }
    credentials
        .change_password(
            requester.as_ref(),
            &request.new_password,
            request.logout_devices,
            request.auth.as_ref(),
        )
        .await?;
    Ok(Answer(Response::new()))
}
