//! How browsers are told to handle files that anybody may have uploaded
//! ([specification][spec]).
//!
//! [spec]: https://spec.matrix.org/v1.19/client-server-api/#serving-inline-content

use ruma::http_headers::{ContentDisposition, ContentDispositionType};

pub(crate) const OCTET_STREAM: &str = "application/octet-stream";

/// The `Content-Security-Policy` of every file: it runs nothing and loads nothing.
pub const CONTENT_SECURITY_POLICY: &str = "sandbox; default-src 'none'; script-src 'none'; \
     plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';";

/// What browsers show without running scripts.
const SAFE_INLINE: &[&str] = &[
    "application/json",
    "application/ld+json",
    "audio/aac",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/wave",
    "audio/webm",
    "audio/x-flac",
    "audio/x-pn-wav",
    "audio/x-wav",
    "image/apng",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/css",
    "text/csv",
    "text/plain",
    "video/mp4",
    "video/ogg",
    "video/quicktime",
    "video/webm",
];

/// Whether a browser may show a file of this type in place rather than save it.
#[must_use]
pub fn is_safe_inline(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    SAFE_INLINE.iter().any(|safe| safe.eq_ignore_ascii_case(essence))
}

/// The `Content-Disposition` of a file: inline only if its type is [safe](is_safe_inline).
#[must_use]
pub fn content_disposition(content_type: &str, filename: Option<String>) -> ContentDisposition {
    let disposition_type = if is_safe_inline(content_type) {
        ContentDispositionType::Inline
    } else {
        ContentDispositionType::Attachment
    };
    ContentDisposition::new(disposition_type).with_filename(filename)
}
