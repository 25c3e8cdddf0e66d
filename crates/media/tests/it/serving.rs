//! If these fail, a file that somebody uploaded can run scripts in a reader's browser.

use pli_media::{
    CONTENT_SECURITY_POLICY, Media, MediaConfig, MediaError, content_disposition, is_safe_inline,
};
use pli_store::{Store, ambient::Ambient};
use ruma::{http_headers::ContentDispositionType, server_name};

#[test]
fn only_harmless_types_are_shown_in_place() {
    for safe in [
        "image/png",
        "IMAGE/JPEG",
        "text/plain; charset=utf-8",
        "video/mp4",
        "audio/ogg",
        "application/json",
    ] {
        assert!(is_safe_inline(safe), "{safe}");
        let disposition = content_disposition(safe, None);
        assert_eq!(disposition.disposition_type, ContentDispositionType::Inline);
    }
    for unsafe_type in [
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "application/pdf",
        "text/xml",
        "application/javascript",
        "application/octet-stream",
        "",
        "text/html; a=image/png",
        "image/png, text/html",
    ] {
        assert!(!is_safe_inline(unsafe_type), "{unsafe_type}");
        let disposition = content_disposition(unsafe_type, Some("a.html".to_owned()));
        assert_eq!(disposition.disposition_type, ContentDispositionType::Attachment);
        assert_eq!(disposition.filename.as_deref(), Some("a.html"));
    }
}

#[test]
fn a_file_name_cant_add_headers() {
    let name = "a\"; filename=b\r\nSet-Cookie: x=\"y".to_owned();
    let header = content_disposition("image/png", Some(name)).to_string();
    assert!(!header.contains(['\r', '\n']), "{header}");
}

#[test]
fn files_run_nothing() {
    assert!(CONTENT_SECURITY_POLICY.starts_with("sandbox; default-src 'none'; script-src 'none';"));
}

fn open(url: &str) -> Result<Media, MediaError> {
    let server_name = server_name!("interieur.example").to_owned();
    Media::open(server_name, MediaConfig::new(url), Store::memory(), Ambient::system())
}

#[test]
fn a_mistake_in_the_address_is_named() {
    for url in ["", "data/media", "file:", "http://example.org/", "ftp:x"] {
        match open(url) {
            Err(MediaError::UnknownUrl { url: named }) => assert_eq!(named, url),
            other => panic!("{url}: {other:?}"),
        }
    }
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn a_bucket_is_an_address() {
    let media = open("s3://fichiers/pli/media").unwrap();
    assert!(format!("{media:?}").contains("pli/media"));
}

#[tokio::test]
async fn a_directory_that_cant_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(matches!(open(&format!("file:{}/media", file.display())), Err(MediaError::Io(_))));
}
