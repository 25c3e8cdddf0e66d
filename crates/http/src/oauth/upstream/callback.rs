//! `GET /oauth2/upstream/{id}/callback`: a browser comes back from a provider.

use axum::{
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
};
use pli_accounts::{
    Upstream,
    upstream::{Callback, FailedSignIn},
};

use super::failure::Attempt;
use crate::oauth::{browser::Browser, next::Next, parameters::Parameters};

pub(in crate::oauth) const PATH: &str = "/oauth2/upstream/{id}/callback";

pub(in crate::oauth) async fn callback(
    State(upstream): State<Upstream>,
    browser: Browser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let callback = Callback {
        browser: browser.secret(),
        state: parameters.get("state"),
        code: parameters.get("code"),
        error: parameters.get("error"),
        issuer: parameters.get("iss"),
    };
    match upstream.finish(&id, callback).await {
        Ok(signed_in) => {
            let next = Next::parse(Some(&signed_in.next));
            let vouched = Some(signed_in.vouched());
            let answer = browser.sign_in_from(&signed_in.user_id, vouched, &next).await;
            answer.unwrap_or_else(IntoResponse::into_response)
        }
        Err(FailedSignIn { error, next }) => {
            let next = Next::parse(next.as_deref());
            let attempt = Attempt { upstream: &upstream, id: &id, next: &next };
            browser.show(attempt.failed(browser.language, &error))
        }
    }
}
