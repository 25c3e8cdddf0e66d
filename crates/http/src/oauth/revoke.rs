//! `POST /oauth2/revoke`: an app signs out
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#token-revocation), RFC 7009).

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use pli_accounts::oauth::Grants;
use serde_json::json;

use super::{
    failure::{OAuthFailure, private},
    parameters::Parameters,
};
use crate::{extract::origin::ClientAddress, layer::rate_limit::RateLimiter};

pub(super) const PATH: &str = "/oauth2/revoke";

pub(super) async fn revoke(
    State(grants): State<Grants>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    request: Request<Body>,
) -> Result<Response, OAuthFailure> {
    limiter.address(address)?;
    let form = Parameters::of_form(request).await?;
    grants.revoke(form.require("token")?).await?;
    Ok(private(Json(json!({})).into_response()))
}
