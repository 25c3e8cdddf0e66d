//! `POST /_matrix/client/unstable/org.matrix.msc4108/rendezvous` and what follows at the address that
//! it gives
//! ([MSC4108 as of 2024](https://github.com/matrix-org/matrix-spec-proposals/pull/4108)).

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pli_accounts::{
    AccountsError,
    oauth::{MAX_RENDEZVOUS_BYTES, Rendezvous, RendezvousState},
};
use serde_json::json;

use super::refuse_navigation;
use crate::{
    MatrixError,
    extract::{origin::ClientAddress, read_body},
    layer::rate_limit::RateLimiter,
    oauth::metadata::address,
    state::Settings,
};

pub(in crate::oauth) const PATH: &str = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous";

pub(in crate::oauth) async fn create(
    State(rendezvous): State<Rendezvous>,
    State(settings): State<Settings>,
    State(limiter): State<RateLimiter>,
    ClientAddress(client): ClientAddress,
    request: Request<Body>,
) -> Result<Response, MatrixError> {
    limiter.client_registration_from(client)?;
    let data = read_text(request).await?;
    let (id, state) = rendezvous.create(data).await?;
    let url = address(&settings.public_url, &format!("{PATH}/{id}"));
    let response = (StatusCode::CREATED, Json(json!({ "url": url }))).into_response();
    Ok(with_state(response, &state))
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
    let seen = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let response = if seen.is_some_and(|seen| names(seen, &content.state)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "text/plain")], content.data).into_response()
    };
    Ok(with_state(response, &content.state))
}

pub(in crate::oauth) async fn update(
    State(rendezvous): State<Rendezvous>,
    State(limiter): State<RateLimiter>,
    ClientAddress(client): ClientAddress,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, MatrixError> {
    limiter.address(client)?;
    let seen = request.headers().get(header::IF_MATCH);
    let seen = seen
        .ok_or_else(|| MatrixError::missing_param("say which version you saw: If-Match"))?
        .to_str()
        .map_err(|_| MatrixError::invalid_param("If-Match is no ETag"))?
        .to_owned();
    let data = read_text(request).await?;
    match rendezvous.update(&id, token(&seen), data).await {
        Ok(state) => Ok(with_state(StatusCode::ACCEPTED.into_response(), &state)),
        Err(AccountsError::ConcurrentWrite(state)) => {
            // The code that this error is to have one day stands in a field of its own.
            let error = MatrixError::new(
                StatusCode::PRECONDITION_FAILED,
                "M_UNKNOWN",
                "this was changed meanwhile: read it again first",
            );
            let error = error.with("org.matrix.msc4108.errcode", "M_CONCURRENT_WRITE");
            Ok(with_state(error.into_response(), &state))
        }
        Err(error) => Err(error.into()),
    }
}

pub(in crate::oauth) async fn end(
    State(rendezvous): State<Rendezvous>,
    State(limiter): State<RateLimiter>,
    ClientAddress(client): ClientAddress,
    Path(id): Path<String>,
) -> Result<StatusCode, MatrixError> {
    limiter.address(client)?;
    rendezvous.end(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn read_text(request: Request<Body>) -> Result<String, MatrixError> {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .ok_or_else(|| MatrixError::missing_param("say what this is: Content-Type"))?;
    let is_text = content_type.to_str().is_ok_and(|text| {
        text.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain"))
    });
    if !is_text {
        return Err(MatrixError::invalid_param("Content-Type has to be text/plain"));
    }
    let body = read_body(request.into_body(), MAX_RENDEZVOUS_BYTES).await?;
    String::from_utf8(body.to_vec())
        .map_err(|_| MatrixError::invalid_param("the text is not valid UTF-8"))
}

/// The version in an `ETag`.
fn token(etag: &str) -> &str {
    etag.trim().trim_start_matches("W/").trim_matches('"')
}

fn names(etags: &str, state: &RendezvousState) -> bool {
    etags.split(',').any(|etag| token(etag) == state.sequence_token)
}

fn with_state(mut response: Response, state: &RendezvousState) -> Response {
    let date = |ms: u64| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(ms));
    let values = [
        (header::ETAG, format!("\"{}\"", state.sequence_token)),
        (header::EXPIRES, date(state.expires_ms)),
        (header::LAST_MODIFIED, date(state.modified_ms)),
    ];
    let headers = response.headers_mut();
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'"),
    );
    response
}
