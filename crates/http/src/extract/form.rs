//! The form of a request, before anybody looks at what it says: names of a length that can be kept,
//! JSON of a depth that every client can read again.

use axum::extract::RawPathParams;
use http::{Method, StatusCode};
use serde::de::IgnoredAny;

use crate::MatrixError;

/// The longest name in a path, in bytes: the specification's limit for ids, event types, state keys
/// and tags, kept for everything that clients can name.
pub(super) const MAX_NAME_BYTES: usize = 255;

/// How deep a JSON body may be nested. What is kept comes back in other people's answers, and
/// clients give up on an answer that holds deeper JSON.
pub(super) const MAX_JSON_DEPTH: usize = 100;

/// Refuses paths with names that are too long.
///
/// # Errors
/// `M_TOO_LARGE` for what would become part of an event, else `M_INVALID_PARAM`.
pub(super) fn check_names(method: &Method, parameters: &RawPathParams) -> Result<(), MatrixError> {
    for (parameter, value) in parameters {
        // A file's name is only told to the browser that saves the file; profiles have an error of
        // their own.
        if value.len() <= MAX_NAME_BYTES || matches!(parameter, "filename" | "field") {
            continue;
        }
        let message = format!("`{parameter}` can have at most {MAX_NAME_BYTES} bytes");
        let is_of_an_event = matches!(parameter, "event_type" | "state_key");
        // Section "Size limits": an event with a longer type or state key is too large.
        if is_of_an_event && *method == Method::PUT {
            return Err(MatrixError::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", message));
        }
        return Err(MatrixError::invalid_param(message));
    }
    Ok(())
}

/// Refuses bodies that are not a JSON object, the whole of it, before a parser looks at the fields
/// that it wants: what it passes over would be kept unread. An empty body is left to its endpoint.
///
/// # Errors
/// `M_NOT_JSON`; `M_BAD_JSON` for other JSON than an object, and for what is nested too deeply.
pub(crate) fn check_json(body: &[u8]) -> Result<(), MatrixError> {
    let Some(first) = body.iter().find(|byte| !byte.is_ascii_whitespace()) else { return Ok(()) };
    if str::from_utf8(body).is_err() {
        return Err(MatrixError::bad_request("M_NOT_JSON", "the body is not valid UTF-8"));
    }
    check_depth(body)?;
    serde_json::from_slice::<IgnoredAny>(body)?;
    if *first != b'{' {
        return Err(MatrixError::bad_json("the body has to be a JSON object"));
    }
    Ok(())
}

fn check_depth(body: &[u8]) -> Result<(), MatrixError> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in body {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_JSON_DEPTH {
            return Err(MatrixError::bad_json(format!(
                "JSON can be nested at most {MAX_JSON_DEPTH} deep"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_what_is_open_at_once() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        check_depth(nested(MAX_JSON_DEPTH).as_bytes()).unwrap();
        check_depth(nested(MAX_JSON_DEPTH + 1).as_bytes()).unwrap_err();
        let wide = format!("[{}]", vec!["[{}]"; 10_000].join(","));
        check_depth(wide.as_bytes()).unwrap();
    }

    #[test]
    fn a_body_is_one_whole_object() {
        check_json(b" \n").unwrap();
        check_json(b" {\"a\":[null]} ").unwrap();
        for not_json in [&b"{}{"[..], b"{} x", b"{\"a\":\"\xff\"}", b"\xff", b"{\"a\"}", b"{"] {
            assert_eq!(check_json(not_json).unwrap_err().errcode(), "M_NOT_JSON");
        }
        for other in [&b"[]"[..], b"1", b"null", b"\"{}\""] {
            assert_eq!(check_json(other).unwrap_err().errcode(), "M_BAD_JSON");
        }
    }

    #[test]
    fn brackets_in_texts_are_texts() {
        let text = serde_json::json!({ "body": "[".repeat(1_000) + "\"\\\"{" }).to_string();
        check_depth(text.as_bytes()).unwrap();
        let escaped = format!("{{\"\\\\\":{}", "[".repeat(1_000));
        check_depth(escaped.as_bytes()).unwrap_err();
    }
}
