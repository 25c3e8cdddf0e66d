use std::collections::BTreeMap;

use axum::{body::Body, extract::Request};
use http::header;
use pli_accounts::{
    AccountsError,
    oauth::{OAuthErrorCode, OAuthProblem},
};

use super::failure::OAuthFailure;
use crate::extract::read_body;

/// The greatest form, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// The parameters of a query or a form. One without a value is as good as none (RFC 6749, section
/// 3.1).
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query.
    ///
    /// # Errors
    /// `invalid_request` if a parameter is there twice (RFC 6749, section 3.1).
    pub(super) fn parse(text: &[u8]) -> Result<Self, OAuthProblem> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if value.is_empty() {
                continue;
            }
            if parameters.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                let description = format!("{name} is there more than once").into();
                return Err(OAuthProblem { code: OAuthErrorCode::InvalidRequest, description });
            }
        }
        Ok(Self(parameters))
    }

    /// Reads the form in a request's body.
    ///
    /// # Errors
    /// `invalid_request` unless it is a form; when it is too large or breaks off.
    pub(super) async fn of_form(request: Request<Body>) -> Result<Self, OAuthFailure> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_form = content_type.is_some_and(|value| {
            value.as_bytes().starts_with(b"application/x-www-form-urlencoded")
        });
        if !is_form {
            let description = "send the parameters as application/x-www-form-urlencoded";
            return Err(AccountsError::oauth(OAuthErrorCode::InvalidRequest, description).into());
        }
        let body = read_body(request.into_body(), MAX_FORM).await?;
        Self::parse(&body).map_err(|problem| AccountsError::from(problem).into())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that has to be there.
    pub(super) fn require(&self, name: &str) -> Result<&str, AccountsError> {
        self.get(name).ok_or_else(|| {
            AccountsError::oauth(OAuthErrorCode::InvalidRequest, format!("{name} is missing"))
        })
    }

    /// The same parameters without one of them, as a query.
    pub(super) fn query_without(&self, left_out: &str) -> String {
        let kept = self.0.iter().filter(|(name, _)| *name != left_out);
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }
}
