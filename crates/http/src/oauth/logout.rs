//! `POST /oauth2/logout`: somebody signs out on the server's own pages.

use axum::{
    body::Body,
    extract::{RawQuery, Request},
    response::{IntoResponse, Response},
};

use super::{browser::Browser, next::Next, parameters::Parameters};

pub(super) const PATH: &str = "/oauth2/logout";

pub(super) async fn logout(
    browser: Browser,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Response {
    if let Err(page) = browser.form(request).await {
        return browser.show(page);
    }
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let next = Next::parse(parameters.get("next"));
    browser.sign_out(&next).await.unwrap_or_else(IntoResponse::into_response)
}
