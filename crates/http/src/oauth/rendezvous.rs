//! Where two devices meet, of which one signs the other in by a QR code: MSC4108 as of 2024 and its
//! successor MSC4388. The same place in two dresses.

pub(super) mod msc4108;
pub(super) mod msc4388;

use http::{HeaderMap, HeaderValue};

use crate::MatrixError;

/// A browser must not show what strangers left here as if it were a page of this server (MSC4388,
/// "Unsafe content").
fn refuse_navigation(headers: &HeaderMap) -> Result<(), MatrixError> {
    let is = |name: &str, value: &[u8]| {
        headers.get(name).map(HeaderValue::as_bytes).is_some_and(|given| given == value)
    };
    if is("sec-fetch-mode", b"navigate") || is("sec-fetch-dest", b"document") {
        return Err(MatrixError::forbidden("this is not a page"));
    }
    Ok(())
}
