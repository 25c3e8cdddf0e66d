//! Where a request comes from and which language its sender prefers.

use std::{convert::Infallible, net::IpAddr};

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use pli_accounts::Language;

use crate::layer::rate_limit;

/// The address that a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(rate_limit::client_address(parts)))
    }
}

/// The language in which the sender of a request wants mails and pages.
#[derive(Clone, Copy, Debug)]
pub struct PreferredLanguage(pub Language);

impl<S: Sync> FromRequestParts<S> for PreferredLanguage {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::ACCEPT_LANGUAGE);
        let text = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self(Language::from_accept_language(text)))
    }
}
