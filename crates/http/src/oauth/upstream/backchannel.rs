//! `POST /oauth2/upstream/{id}/backchannel-logout`: a provider says that a session there has ended
//! ([OpenID Connect Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html)).

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use pli_accounts::{AccountsError, Upstream, upstream::UpstreamProblem};
use serde_json::json;

use crate::{
    MatrixError, extract::origin::ClientAddress, layer::rate_limit::RateLimiter,
    oauth::parameters::Parameters,
};

pub(in crate::oauth) const PATH: &str = "/oauth2/upstream/{id}/backchannel-logout";

pub(in crate::oauth) async fn logout(
    State(upstream): State<Upstream>,
    State(limiter): State<RateLimiter>,
    ClientAddress(address): ClientAddress,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    let mut response = match limiter.address(address) {
        Ok(()) => answer(&upstream, &id, request).await,
        Err(limited) => limited.into_response(),
    };
    // Section 2.8: nobody keeps the answer.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(upstream: &Upstream, id: &str, request: Request<Body>) -> Response {
    let form = match Parameters::of_form(request).await {
        Ok(form) => form,
        Err(failure) => return failure.into_response(),
    };
    let logout_token = form.get("logout_token").unwrap_or_default();
    match upstream.end_session(id, logout_token).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(AccountsError::Upstream(problem)) => refusal(&problem),
        Err(error) => MatrixError::from(error).into_response(),
    }
}

/// Section 2.8: 400 with the reason, for who runs the provider.
fn refusal(problem: &UpstreamProblem) -> Response {
    let (status, code) = match problem {
        UpstreamProblem::LogoutToken(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
        // Its keys could not be had: it may try again.
        _ => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
    };
    let body = json!({ "error": code, "error_description": problem.to_string() });
    (status, Json(body)).into_response()
}
