use std::collections::BTreeMap;

use axum::extract::{FromRef, FromRequest, Request};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};

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

/// A body with a field that its sender may leave out and ruma insists on. What has the field already,
/// or isn't an object, stays as it is. The other fields are passed over unread.
pub(crate) fn with_default(body: Bytes, field: &str, default: &Value) -> Bytes {
    let Ok(mut fields) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(&body) else {
        return body;
    };
    if fields.contains_key(field) {
        return body;
    }
    let Ok(default) = serde_json::value::to_raw_value(default) else { return body };
    fields.insert(field.to_owned(), &default);
    serde_json::to_vec(&fields).map_or_else(|_| body.clone(), Bytes::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_left_out_is_filled_in() {
        let filled = |body: &'static str| with_default(body.into(), "a", &json!([]));
        assert_eq!(filled("{}"), r#"{"a":[]}"#);
        assert_eq!(filled(r#" {"b": {"a":1.50} }"#), r#"{"a":[],"b":{"a":1.50}}"#);
        for other in [r#"{"a": null}"#, "[]", "", "{", "{} {}"] {
            assert_eq!(filled(other), other);
        }
    }
}
