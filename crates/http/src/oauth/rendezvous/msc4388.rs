//! `/_matrix/client/unstable/io.element.msc4388/rendezvous`
//! ([MSC4388](https://github.com/matrix-org/matrix-spec-proposals/pull/4388)).

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pli_accounts::{AccountsError, oauth::Rendezvous};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::refuse_navigation;
use crate::{
    MatrixError,
    extract::{form::check_json, origin::ClientAddress, read_body},
    layer::rate_limit::RateLimiter,
};

pub(in crate::oauth) const PATH: &str = "/_matrix/client/unstable/io.element.msc4388/rendezvous";

/// The greatest body, in bytes: the text with all of it escaped, and a token.
const MAX_BODY: usize = 32 * 1024;

#[derive(Deserialize)]
struct New {
    data: String,
}

#[derive(Deserialize)]
struct Update {
    sequence_token: String,
    data: String,
}

/// Whether one can be opened: by everybody, since a new device has no account yet.
pub(in crate::oauth) async fn discover(
    State(limiter): State<RateLimiter>,
    ClientAddress(client): ClientAddress,
) -> Result<Json<Value>, MatrixError> {
    limiter.address(client)?;
    Ok(Json(json!({ "create_available": true })))
}

pub(in crate::oauth) async fn create(
    State(rendezvous): State<Rendezvous>,
    State(limiter): State<RateLimiter>,
    ClientAddress(client): ClientAddress,
    request: Request<Body>,
) -> Result<Response, MatrixError> {
    limiter.client_registration_from(client)?;
    let New { data } = read_json(request).await?;
    let (id, state) = rendezvous.create(data).await?;
    Ok(answer(&json!({
        "id": id,
        "sequence_token": state.sequence_token,
        "expires_in_ms": u64::try_from(state.expires_in.as_millis()).unwrap_or_default(),
    })))
}

pub(in crate::oauth) async fn get(
    State(rendezvous): State<Rendezvous>,
    State(limiter): State<RateLimiter>,
    ClientAddress(client): ClientAddress,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, MatrixError> {
    limiter.address(client)?;
    refuse_navigation(&headers)?;
    let content = rendezvous.get(&id).await?;
    Ok(answer(&json!({
        "data": content.data,
        "sequence_token": content.state.sequence_token,
        "expires_in_ms": u64::try_from(content.state.expires_in.as_millis()).unwrap_or_default(),
    })))
}

pub(in crate::oauth) async fn update(
    State(rendezvous): State<Rendezvous>,
    State(limiter): State<RateLimiter>,
    ClientAddress(client): ClientAddress,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, MatrixError> {
    limiter.address(client)?;
    let Update { sequence_token, data } = read_json(request).await?;
    match rendezvous.update(&id, &sequence_token, data).await {
        Ok(state) => Ok(answer(&json!({ "sequence_token": state.sequence_token }))),
        Err(AccountsError::ConcurrentWrite(_)) => Err(MatrixError::new(
            StatusCode::CONFLICT,
            "IO_ELEMENT_MSC4388_CONCURRENT_WRITE",
            "this was changed meanwhile: read it again first",
        )),
        Err(error) => Err(error.into()),
    }
}

pub(in crate::oauth) async fn end(
    State(rendezvous): State<Rendezvous>,
    State(limiter): State<RateLimiter>,
    ClientAddress(client): ClientAddress,
    Path(id): Path<String>,
) -> Result<Response, MatrixError> {
    limiter.address(client)?;
    rendezvous.end(&id).await?;
    Ok(answer(&json!({})))
}

async fn read_json<T: DeserializeOwned>(request: Request<Body>) -> Result<T, MatrixError> {
    let body = read_body(request.into_body(), MAX_BODY).await?;
    check_json(&body)?;
    Ok(serde_json::from_slice(&body)?)
}

fn answer(body: &Value) -> Response {
    let mut response = Json(body).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}
