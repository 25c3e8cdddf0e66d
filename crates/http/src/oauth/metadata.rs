//! `GET /_matrix/client/v1/auth_metadata`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1auth_metadata)),
//! the same as RFC 8414 and OpenID Connect Discovery place it, and `auth_issuer` of MSC2965.

use axum::{Json, extract::State, response::IntoResponse};
use http::header;
use pli_accounts::{
    RegistrationMode,
    oauth::{AUTHORIZATION_CODE, DEVICE_CODE, REFRESH_TOKEN},
};
use serde_json::{Value, json};
use url::Url;

use super::{account, authorize, device, link, register, revoke, token};
use crate::state::Settings;

/// How long clients may keep it.
const CACHE_CONTROL: &str = "public, max-age=600";

/// Where apps find everything, and what they can ask for.
pub(super) async fn metadata(State(settings): State<Settings>) -> impl IntoResponse {
    let at = |path: &str| Value::from(address(&settings.public_url, path));
    let mut metadata = json!({
        "issuer": issuer(&settings.public_url),
        "authorization_endpoint": at(authorize::PATH),
        "token_endpoint": at(token::PATH),
        "registration_endpoint": at(register::PATH),
        "revocation_endpoint": at(revoke::PATH),
        "device_authorization_endpoint": at(device::PATH),
        "account_management_uri": at(account::PATH),
        "account_management_actions_supported": account::ACTIONS,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": [AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": ["urn:matrix:client:api:*"],
        "ui_locales_supported": ["en", "fr"],
    });
    if settings.registration != RegistrationMode::Closed {
        metadata["prompt_values_supported"] = json!(["create"]);
    }
    ([(header::CACHE_CONTROL, CACHE_CONTROL)], Json(metadata))
}

/// The issuer alone, as clients of before v1.15 ask for it.
pub(super) async fn auth_issuer(State(settings): State<Settings>) -> Json<Value> {
    Json(json!({ "issuer": issuer(&settings.public_url) }))
}

/// What the domain says of where people sign in, as clients of before v1.15 read it (MSC2965).
pub(crate) fn well_known(public_url: &Url) -> Value {
    json!({ "issuer": issuer(public_url), "account": address(public_url, account::PATH) })
}

/// The address of a path of this server.
pub(crate) fn address(public_url: &Url, path: &str) -> String {
    format!("{}{path}", public_url.as_str().trim_end_matches('/'))
}

/// The page where people type the code that an app shows.
pub(super) fn verification_uri(public_url: &Url) -> String {
    address(public_url, link::PATH)
}

fn issuer(public_url: &Url) -> String {
    address(public_url, "/")
}
