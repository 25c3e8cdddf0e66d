//! The one place where errors become Matrix errors (client-server API, section "Standard error
//! response"). Each service's error type has its mapping in a file below this module.

mod accounts;
mod appservice;
mod media;
mod parse;
mod rooms;
mod sync;

use std::{borrow::Cow, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use pli_store::StoreError;
use serde_json::{Map, Value};

/// An error as a Matrix client sees it: a status, an `M_…` code and a text that says what to do.
#[derive(Clone, Debug)]
pub struct MatrixError {
    status: StatusCode,
    errcode: Cow<'static, str>,
    message: Cow<'static, str>,
    extra: Map<String, Value>,
    retry_after: Option<Duration>,
}

impl MatrixError {
    /// An error with any status and code.
    pub fn new(
        status: StatusCode,
        errcode: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            errcode: errcode.into(),
            message: message.into(),
            extra: Map::new(),
            retry_after: None,
        }
    }

    /// 400 with the given code.
    pub fn bad_request(errcode: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, errcode, message)
    }

    /// 400 `M_INVALID_PARAM`.
    pub fn invalid_param(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request("M_INVALID_PARAM", message)
    }

    /// 400 `M_MISSING_PARAM`.
    pub fn missing_param(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request("M_MISSING_PARAM", message)
    }

    /// 400 `M_BAD_JSON`.
    pub fn bad_json(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request("M_BAD_JSON", message)
    }

    /// 403 `M_FORBIDDEN`.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", message)
    }

    /// 404 `M_NOT_FOUND`.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", message)
    }

    /// 404 `M_UNRECOGNIZED`: no such endpoint.
    #[must_use]
    pub fn unrecognized() -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_UNRECOGNIZED", "there is no such endpoint")
    }

    /// 405 `M_UNRECOGNIZED`: the endpoint has no such method.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "M_UNRECOGNIZED",
            "the endpoint does not know this method",
        )
    }

    /// 401 `M_MISSING_TOKEN`.
    #[must_use]
    pub fn missing_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "M_MISSING_TOKEN",
            "this request needs an access token: sign in",
        )
    }

    /// 429 `M_LIMIT_EXCEEDED` with `Retry-After`.
    #[must_use]
    pub fn limit_exceeded(retry_after: Duration) -> Self {
        let mut error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "M_LIMIT_EXCEEDED",
            "too many requests: wait and try again",
        );
        let milliseconds = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
        error.extra.insert("retry_after_ms".to_owned(), milliseconds.into());
        error.retry_after = Some(retry_after);
        error
    }

    /// 503 `M_UNKNOWN` with `Retry-After`: the server, not the client, did too much. Nothing was
    /// saved; the same request may be sent again.
    #[must_use]
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", message);
        error.retry_after = Some(Duration::from_secs(1));
        error
    }

    /// 500 `M_UNKNOWN`. The cause goes to the log, not to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "M_UNKNOWN",
            "the server could not do this; try again, and tell the operator if it goes on",
        )
    }

    /// Adds a field to the error's body (`soft_logout`, `current_version`, the flows of UIA…).
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(field.to_owned(), value.into());
        self
    }

    /// Adds all fields of a JSON object to the error's body.
    #[must_use]
    pub fn with_all(mut self, fields: Map<String, Value>) -> Self {
        self.extra.extend(fields);
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The text that says what to do.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The `M_…` code.
    #[must_use]
    pub fn errcode(&self) -> &str {
        &self.errcode
    }
}

impl IntoResponse for MatrixError {
    fn into_response(self) -> Response {
        let mut body = self.extra;
        // UIA answers 401 without a code until a stage failed (section "User-interactive API").
        if !self.errcode.is_empty() {
            body.insert("errcode".to_owned(), self.errcode.into());
            body.insert("error".to_owned(), self.message.into());
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(retry_after) = self.retry_after {
            let seconds = retry_after.as_millis().div_ceil(1000);
            response.headers_mut().insert(
                header::RETRY_AFTER,
                HeaderValue::from_str(&seconds.to_string())
                    .expect("a number in decimal is a valid header value"),
            );
        }
        response
    }
}

impl From<StoreError> for MatrixError {
    fn from(error: StoreError) -> Self {
        (&error).into()
    }
}

impl From<&StoreError> for MatrixError {
    fn from(error: &StoreError) -> Self {
        match error {
            // The batch left nothing behind: the client may send the same again later.
            StoreError::Full => {
                tracing::error!(%error, "the store is full");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "M_UNKNOWN",
                    "the server has no space left: nothing was saved, try again later",
                )
            }
            StoreError::Overloaded | StoreError::Closed => Self::unavailable(error.to_string()),
            other => Self::internal(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients that are told to wait come back by themselves; a plain 500 is shown to people.
    #[test]
    fn a_store_that_cannot_keep_up_asks_clients_to_wait() {
        let response = MatrixError::from(StoreError::Overloaded).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(MatrixError::from(StoreError::Overloaded).errcode(), "M_UNKNOWN");
    }

    #[test]
    fn a_full_store_says_so_and_nothing_of_itself() {
        let error = MatrixError::from(StoreError::Full);
        assert_eq!(error.status(), StatusCode::INSUFFICIENT_STORAGE);
        let error = MatrixError::from(StoreError::Engine("/var/lib/secret".to_owned()));
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!error.message.contains("secret"));
    }
}
