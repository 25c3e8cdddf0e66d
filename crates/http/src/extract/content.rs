//! Requests whose bodies may say more than their types know.

use axum::extract::{FromRequest, Request};
use ruma::api::IncomingRequest;
use serde_json::{Map, Value};

use super::{Admitted, Authentication, Ruma};
use crate::{AppState, MatrixError};

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

impl<T> FromRequest<AppState> for WithContent<T>
where
    T: IncomingRequest,
    T::Authentication: Authentication,
{
    type Rejection = MatrixError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, MatrixError> {
        let (admitted, body) = Box::pin(Admitted::<T>::read(request, state)).await?;
        let ruma = admitted.parse(&body)?;
        let is_empty = body.iter().all(u8::is_ascii_whitespace);
        let content = if is_empty { Map::new() } else { serde_json::from_slice(&body)? };
        Ok(Self { ruma, content })
    }
}
