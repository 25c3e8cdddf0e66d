//! JSON that is stored and served without being understood.

use std::fmt;

use pli_store::{CodecError, Value};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::AccountsError;

/// A JSON text, stored as it is.
#[derive(Clone)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Keeps a JSON text.
    #[must_use]
    pub fn new(json: Box<RawValue>) -> Self {
        Self(json)
    }

    /// Takes a text that must be JSON.
    ///
    /// # Errors
    /// When it isn't.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// The value, for serde and ruma's `Raw`.
    #[must_use]
    pub fn into_raw(self) -> Box<RawValue> {
        self.0
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.get())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Value for RawJson {
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        Ok(self.get().as_bytes().to_vec())
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| CodecError::Value(error.to_string()))?;
        Self::parse(text.to_owned()).map_err(|error| CodecError::Value(error.to_string()))
    }
}

/// Appends a string as a JSON string.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Appends the separator before the next member of an object or array that began at `start`.
pub(crate) fn push_separator(out: &mut String, start: usize) {
    if out.len() > start {
        out.push(',');
    }
}

/// How deep JSON that is kept without being understood may be nested. Clients give up on the whole
/// answer that holds deeper JSON, which would keep somebody from ever syncing again.
const MAX_DEPTH: usize = 64;

/// Refuses JSON that is nested too deeply.
pub(crate) fn check_depth(json: &str) -> Result<(), AccountsError> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(AccountsError::BadJson(
                format!("JSON can be nested at most {MAX_DEPTH} deep here").into(),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings_only() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(check_depth(&nested(MAX_DEPTH)).is_ok());
        assert!(check_depth(&nested(MAX_DEPTH + 1)).is_err());
        assert!(check_depth(&format!("[{}]", ["[]"; 1_000].join(","))).is_ok());
        let text = serde_json::Value::from(format!("\"{}\\", "[".repeat(1_000))).to_string();
        assert!(check_depth(&text).is_ok());
    }
}
