//! `GET` and `POST /_synapse/admin/v1/register`: registration with the operator's shared secret, in
//! the form that test harnesses and scripts know. Off (404) unless a secret is configured.

use axum::{Json, Router, extract::State, routing::get};
use bytes::Bytes;
use pli_accounts::{SharedSecretRegistration, shared_secret::SharedSecretRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{AppState, MatrixError, state::Settings};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/_synapse/admin/v1/register", get(nonce).post(register))
}

#[derive(Deserialize)]
struct Body {
    nonce: String,
    username: String,
    password: String,
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    user_type: Option<String>,
    #[serde(default)]
    displayname: Option<String>,
    mac: String,
    #[serde(default)]
    inhibit_login: bool,
}

async fn nonce(
    State(registration): State<SharedSecretRegistration>,
) -> Result<Json<Value>, MatrixError> {
    Ok(Json(json!({ "nonce": registration.nonce()? })))
}

async fn register(
    State(registration): State<SharedSecretRegistration>,
    State(settings): State<Settings>,
    body: Bytes,
) -> Result<Json<Value>, MatrixError> {
    // Where it is off, nothing is said about the form of a request either.
    registration.check_enabled()?;
    let body: Body = serde_json::from_slice(&body)?;
    let registered = registration
        .register(SharedSecretRequest {
            nonce: &body.nonce,
            username: &body.username,
            password: &body.password,
            admin: body.admin,
            user_type: body.user_type.as_deref(),
            display_name: body.displayname.as_deref(),
            mac: &body.mac,
            inhibit_login: body.inhibit_login,
        })
        .await?;
    let mut answer = json!({ "user_id": registered.user_id, "home_server": settings.server_name });
    if let Some(session) = registered.session {
        answer["access_token"] = session.tokens.access_token.into();
        answer["device_id"] = session.requester.device_id.as_str().into();
    }
    Ok(Json(answer))
}
