//! Requests whose bodies may say more than their types know.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use serde_json::{Map, Value};

use super::{Authentication, MAX_JSON_BODY, Ruma, read_body};
use crate::MatrixError;

/// A parsed request, and all the fields of its body.
pub(crate) struct WithContent<T>
where
    T: ruma::api::Metadata,
    T::Authentication: Authentication,
{
    /// The request.
    pub(crate) ruma: Ruma<T>,
    /// The body's fields; none if it was empty.
    pub(crate) content: Map<String, Value>,
}

impl<T, S> FromRequest<S> for WithContent<T>
where
    T: ruma::api::Metadata,
    T::Authentication: Authentication,
    S: Send + Sync,
    Ruma<T>: FromRequest<S, Rejection = MatrixError>,
{
    type Rejection = MatrixError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        let body = read_body(body, MAX_JSON_BODY).await?;
        let request = Request::from_parts(parts, Body::from(body.clone()));
        // Who asks and the form of the body are checked there.
        let ruma = Ruma::from_request(request, state).await?;
        let is_empty = body.iter().all(u8::is_ascii_whitespace);
        let content = if is_empty { Map::new() } else { serde_json::from_slice(&body)? };
        Ok(Self { ruma, content })
    }
}
