use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use pli_accounts::{AccountsError, oauth::OAuthErrorCode};
use serde_json::json;

use crate::MatrixError;

/// An error as OAuth 2.0 clients read it (RFC 6749, section 5.2).
#[derive(Debug)]
pub(super) enum OAuthFailure {
    Service(AccountsError),
    Edge(MatrixError),
}

impl From<AccountsError> for OAuthFailure {
    fn from(error: AccountsError) -> Self {
        Self::Service(error)
    }
}

impl From<MatrixError> for OAuthFailure {
    fn from(error: MatrixError) -> Self {
        Self::Edge(error)
    }
}

impl IntoResponse for OAuthFailure {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Service(AccountsError::OAuth(problem)) => {
                // Section 5.2: who doesn't say who they are gets a 401.
                let status = match problem.code {
                    OAuthErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
                    _ => StatusCode::BAD_REQUEST,
                };
                return answer(status, problem.code.as_str(), &problem.description);
            }
            Self::Service(error) => MatrixError::from(error),
            Self::Edge(error) => error,
        };
        let code = match error.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                OAuthErrorCode::TemporarilyUnavailable.as_str()
            }
            status if status.is_client_error() => OAuthErrorCode::InvalidRequest.as_str(),
            _ => "server_error",
        };
        let retry_after = error.clone().into_response().headers().get(header::RETRY_AFTER).cloned();
        let mut response = answer(error.status(), code, error.message());
        if let Some(retry_after) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, retry_after);
        }
        response
    }
}

fn answer(status: StatusCode, code: &str, description: &str) -> Response {
    let body = json!({ "error": code, "error_description": description });
    private((status, Json(body)).into_response())
}

/// Nobody on the way keeps an answer with secrets in it (RFC 6749, section 5.1).
pub(super) fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
