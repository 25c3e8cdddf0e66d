//! The web app, embedded in the binary: `web/dist` with the brotli and gzip variants that its build
//! wrote beside each file.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::MatrixError;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
struct WebApp;

/// What the app may load: nothing but itself. `wasm-unsafe-eval` is what the cryptography, which is
/// WebAssembly, needs; it allows no scripts.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; \
    connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// File names with a content hash never change.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "no-cache";

const NOT_BUILT: &str =
    "The web app is not part of this build. Run `make web`, then build again.\n";

/// Answers what no route knows: the web app's files, and its page for every other path that isn't
/// an API's, since those are places within the app.
pub(crate) async fn fallback(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    // Unknown paths below the APIs are errors of theirs, never a page.
    let is_api = ["_matrix/", "_synapse/", ".well-known/"].iter().any(|api| path.starts_with(api));
    if is_api || !(method == Method::GET || method == Method::HEAD) {
        return MatrixError::unrecognized().into_response();
    }
    serve(path, &headers)
}

fn serve(path: &str, request_headers: &HeaderMap) -> Response {
    match WebApp::get(path) {
        Some(file) if !is_variant(path) => answer(path, &file, request_headers),
        // A missing file is missing; a missing place is for the app to tell.
        _ if path.starts_with("assets/") => StatusCode::NOT_FOUND.into_response(),
        _ => page(request_headers),
    }
}

fn page(request_headers: &HeaderMap) -> Response {
    match WebApp::get("index.html") {
        Some(file) => answer("index.html", &file, request_headers),
        None => (StatusCode::NOT_FOUND, NOT_BUILT).into_response(),
    }
}

fn is_variant(path: &str) -> bool {
    path.ends_with(".br") || path.ends_with(".gz")
}

fn answer(path: &str, plain: &EmbeddedFile, request_headers: &HeaderMap) -> Response {
    let etag = entity_tag(plain);
    let cache_control = if path.starts_with("assets/") { IMMUTABLE } else { REVALIDATE };
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, etag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    if request_headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }

    if let Ok(content_type) = HeaderValue::from_str(plain.metadata.mimetype()) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    let (encoding, file) = smallest_variant(path, request_headers);
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let data = file.map_or_else(|| plain.data.clone(), |file| file.data);
    (headers, Body::from(data.into_owned())).into_response()
}

fn smallest_variant(
    path: &str,
    request_headers: &HeaderMap,
) -> (Option<&'static str>, Option<EmbeddedFile>) {
    let accepted = request_headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let accepts = |encoding: &str| {
        accepted.split(',').any(|item| {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            name.trim() == encoding && parameters.trim() != "q=0"
        })
    };
    for (encoding, extension) in [("br", "br"), ("gzip", "gz")] {
        if accepts(encoding)
            && let Some(file) = WebApp::get(&format!("{path}.{extension}"))
        {
            return (Some(encoding), Some(file));
        }
    }
    (None, None)
}

fn entity_tag(file: &EmbeddedFile) -> HeaderValue {
    use std::fmt::Write as _;
    let hash = file.metadata.sha256_hash();
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in &hash[..16] {
        write!(tag, "{byte:02x}").expect("writing to a string succeeds");
    }
    tag.push('"');
    HeaderValue::from_str(&tag).expect("hexadecimal digits make a valid header value")
}
