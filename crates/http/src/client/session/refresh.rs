//! `POST /_matrix/client/v3/refresh`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh)).

use axum::extract::State;
use pli_accounts::Sessions;
use ruma::api::client::session::refresh_token::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn refresh(
    State(sessions): State<Sessions>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let tokens = sessions.refresh(&request.refresh_token).await?;
    let mut response = Response::new(tokens.access_token);
    response.refresh_token = tokens.refresh_token;
    response.expires_in_ms = tokens.expires_in;
    Ok(Answer(response))
}
