//! What is wrong with a request's form.

use ruma::api::error::{DeserializationError, FromHttpRequestError};
use serde_json::error::Category;

use super::MatrixError;

impl From<FromHttpRequestError> for MatrixError {
    fn from(error: FromHttpRequestError) -> Self {
        match error {
            FromHttpRequestError::Deserialization(error) => error.into(),
            FromHttpRequestError::MethodMismatch { .. } => Self::method_not_allowed(),
            other => Self::bad_request("M_UNKNOWN", other.to_string()),
        }
    }
}

impl From<DeserializationError> for MatrixError {
    fn from(error: DeserializationError) -> Self {
        match error {
            DeserializationError::Json(error) => error.into(),
            DeserializationError::Utf8(_) => {
                Self::bad_request("M_NOT_JSON", "the request is not valid UTF-8")
            }
            DeserializationError::Query(error) => {
                let text = error.to_string();
                if text.starts_with("missing field") {
                    Self::missing_param(format!("query: {text}"))
                } else {
                    Self::invalid_param(format!("query: {text}"))
                }
            }
            DeserializationError::Ident(error) => {
                Self::invalid_param(format!("malformed identifier: {error}"))
            }
            DeserializationError::Header(error) => {
                Self::invalid_param(format!("malformed header: {error}"))
            }
            other => Self::bad_request("M_UNKNOWN", other.to_string()),
        }
    }
}

/// Text that isn't JSON (too deep included) is `M_NOT_JSON`; JSON of the wrong shape is
/// `M_BAD_JSON`.
impl From<serde_json::Error> for MatrixError {
    fn from(error: serde_json::Error) -> Self {
        match error.classify() {
            Category::Data => Self::bad_json(error.to_string()),
            Category::Syntax | Category::Eof | Category::Io => {
                Self::bad_request("M_NOT_JSON", format!("the body is not valid JSON: {error}"))
            }
        }
    }
}
