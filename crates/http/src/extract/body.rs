use axum::extract::{FromRef, FromRequest, Request};
use serde::de::DeserializeOwned;

use super::{MAX_JSON_BODY, form, read_body};
use crate::{
    MatrixError,
    layer::rate_limit::{RateLimiter, client_address},
};

/// The JSON body of an endpoint that ruma has no type for and that needs no access token.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S, T> FromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    RateLimiter: FromRef<S>,
{
    type Rejection = MatrixError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        RateLimiter::from_ref(state).address(client_address(&parts))?;
        let body = read_body(body, MAX_JSON_BODY).await?;
        form::check_json(&body)?;
        Ok(Self(serde_json::from_slice(&body)?))
    }
}
