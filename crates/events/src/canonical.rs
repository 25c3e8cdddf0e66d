use ruma::{CanonicalJsonObject, CanonicalJsonValue};

use crate::EventError;

/// Reads a JSON object and refuses what has no canonical form (floats, integers out of range).
///
/// See the [specification](https://spec.matrix.org/v1.19/appendices/#canonical-json). Of a key
/// given twice the last value counts.
///
/// # Errors
/// When the text is not JSON, not an object or has no canonical form.
pub fn canonical_object(json: &str) -> Result<CanonicalJsonObject, EventError> {
    canonical_object_at("event", json)
}

pub(crate) fn canonical_object_at(
    path: &'static str,
    json: &str,
) -> Result<CanonicalJsonObject, EventError> {
    let value: serde_json::Value = serde_json::from_str(json)?;
    match CanonicalJsonValue::try_from(value)? {
        CanonicalJsonValue::Object(object) => Ok(object),
        _ => Err(EventError::NotAnObject { path }),
    }
}

/// The canonical form of an object: shortest, keys sorted by code point, UTF-8.
#[must_use]
pub fn canonical_string(object: &CanonicalJsonObject) -> String {
    serde_json::to_string(object).expect("string keys, integers and strings always serialise")
}
