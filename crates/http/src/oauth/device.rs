//! `POST /oauth2/device`: an app without a browser asks for a code to show
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#device-authorisation-flow), RFC
//! 8628).

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use pli_accounts::oauth::{DEVICE_CODE_LIFETIME, Grants, POLL_INTERVAL};
use serde_json::json;

use super::{
    failure::{OAuthFailure, private},
    metadata::verification_uri,
    parameters::Parameters,
};
use crate::{extract::origin::ClientAddress, layer::rate_limit::RateLimiter, state::Settings};

pub(super) const PATH: &str = "/oauth2/device";

pub(super) async fn device(
    State(grants): State<Grants>,
    State(settings): State<Settings>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    request: Request<Body>,
) -> Result<Response, OAuthFailure> {
    limiter.client_registration_from(address)?;
    let form = Parameters::of_form(request).await?;
    let scope = form.get("scope").unwrap_or_default();
    let started = grants.start_device_grant(form.require("client_id")?, scope).await?;
    let page = verification_uri(&settings.public_url);
    let answer = json!({
        "verification_uri_complete": format!("{page}?user_code={}", started.user_code),
        "device_code": started.device_code,
        "user_code": started.user_code,
        "verification_uri": page,
        "expires_in": DEVICE_CODE_LIFETIME.as_secs(),
        "interval": POLL_INTERVAL.as_secs(),
    });
    Ok(private(Json(answer).into_response()))
}
