//! `POST /oauth2/register`: an app registers itself
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#dynamic-client-registration-flow),
//! RFC 7591).

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use pli_accounts::{
    AccountsError,
    oauth::{ClientMetadata, Clients, OAuthErrorCode},
};
use serde_json::{Map, Value};

use super::failure::{OAuthFailure, private};
use crate::{
    extract::{form::check_json, origin::ClientAddress, read_body},
    layer::rate_limit::RateLimiter,
};

pub(super) const PATH: &str = "/oauth2/register";

/// The greatest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

pub(super) async fn register(
    State(clients): State<Clients>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    request: Request<Body>,
) -> Result<Response, OAuthFailure> {
    limiter.client_registration_from(address)?;
    let body = read_body(request.into_body(), MAX_BODY).await?;
    let fields = fields(&body).ok_or_else(|| {
        let description = "the body has to be a JSON object";
        AccountsError::oauth(OAuthErrorCode::InvalidClientMetadata, description)
    })?;
    let client = clients.register(ClientMetadata::from_json(&fields)?).await?;
    let mut answer = client.metadata.to_json();
    answer.insert("client_id".to_owned(), client.client_id.into());
    answer.insert("client_id_issued_at".to_owned(), (client.registered_ms / 1_000).into());
    Ok(private((StatusCode::CREATED, Json(answer)).into_response()))
}

fn fields(body: &[u8]) -> Option<Map<String, Value>> {
    check_json(body).ok()?;
    serde_json::from_slice(body).ok()
}
