//! `GET /oauth2/upstream/{id}`: a browser goes to a provider.

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use pli_accounts::{AccountsError, Upstream, upstream::StartRequest};

use super::failure::Attempt;
use crate::{
    layer::rate_limit::RateLimiter,
    oauth::{browser::Browser, next::Next, parameters::Parameters},
};

pub(in crate::oauth) const PATH: &str = "/oauth2/upstream/{id}";

/// Parameters: `next` (where to go on: a page of this server), `login_hint`, and `again` for people
/// who have to prove anew who they are.
pub(in crate::oauth) async fn start(
    State(upstream): State<Upstream>,
    State(limiter): State<RateLimiter>,
    browser: Browser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let next = Next::parse(parameters.get("next"));
    let attempt = Attempt { upstream: &upstream, id: &id, next: &next };
    if limiter.sign_in_from(browser.address).is_err() {
        let retry_after = std::time::Duration::ZERO;
        let error = AccountsError::LimitExceeded { retry_after };
        return browser.show(attempt.failed(browser.language, &error));
    }
    let request = StartRequest {
        browser: browser.secret(),
        next: next.as_str(),
        login_hint: parameters.get("login_hint"),
        again: parameters.get("again").is_some(),
        language: browser.language,
    };
    match upstream.start(&id, request).await {
        Ok(address) => browser.leave_for(address.as_str()),
        Err(error) => browser.show(attempt.failed(browser.language, &error)),
    }
}
