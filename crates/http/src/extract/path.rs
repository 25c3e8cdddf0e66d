use axum::extract::{FromRequestParts, Path, RawPathParams};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::form;
use crate::MatrixError;

/// The arguments in the path of an endpoint that ruma has no type for, in their order.
pub(crate) struct PathArguments<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for PathArguments<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, MatrixError> {
        let raw = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| MatrixError::invalid_param("the path is not valid UTF-8"))?;
        form::check_names(&parts.method, &raw)?;
        let Path(arguments) = Path::from_request_parts(parts, state)
            .await
            .map_err(|error| MatrixError::invalid_param(error.body_text()))?;
        Ok(Self(arguments))
    }
}
