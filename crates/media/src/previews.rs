//! What a page says of itself (OpenGraph), for whoever sees its address in a message.
//!
//! The server fetches the page, so only what the operator allows: public addresses unless told
//! otherwise, a few redirects, a bounded answer in a bounded time. What was found is kept for an
//! hour; a page's picture becomes a file of this server.

mod page;

use std::{io::Cursor, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use image::ImageReader;
use pli_outbound::{Outbound, OutboundConfig, OutboundError, Reach};
use quick_cache::sync::Cache;
use ruma::{OwnedMxcUri, OwnedUserId};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use url::Url;

use self::page::Page;
use crate::{FileDescription, Media};

/// How many previews are kept in memory.
const KEPT: usize = 1000;
/// For how long a preview holds.
const LIFETIME_MS: u64 = 60 * 60 * 1000;
/// How many pages are fetched at a time.
const AT_ONCE: usize = 16;
/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;
/// The largest page, in bytes.
const MAX_PAGE: usize = 4 * 1024 * 1024;
/// The largest picture, in bytes.
const MAX_PICTURE: usize = 10 * 1024 * 1024;
/// How long fetching one page or picture may take.
const MAX_TIME: Duration = Duration::from_secs(15);

/// Previews of addresses: the section `[media.url_previews]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UrlPreviewsConfig {
    /// Whether there are any.
    pub enabled: bool,
    /// Only of these domains and those below them; empty: of all.
    pub domains: Vec<String>,
    /// Whether also of addresses in this server's own networks.
    pub allow_private_addresses: bool,
}

/// Makes previews. Cheap to clone.
#[derive(Clone)]
pub struct UrlPreviews(Option<Arc<Inner>>);

struct Inner {
    media: Media,
    domains: Vec<String>,
    pages: Outbound,
    pictures: Outbound,
    /// Address, hour → what was found.
    kept: Cache<(String, u64), Arc<Map<String, Value>>>,
    at_once: Semaphore,
    /// To whom the pictures belong: nobody who could have signed up.
    owner: OwnedUserId,
}

/// Something fetched.
struct Fetched {
    /// Where it was in the end.
    url: Url,
    content_type: String,
    body: Bytes,
}

impl UrlPreviews {
    /// Previews with pictures in `media`; none unless they are enabled.
    ///
    /// # Errors
    /// When there can be no client for other servers.
    pub fn new(config: &UrlPreviewsConfig, media: Media) -> Result<Self, OutboundError> {
        if !config.enabled {
            return Ok(Self(None));
        }
        let reach = if config.allow_private_addresses { Reach::Anywhere } else { Reach::Public };
        let client = |max_answer: usize| {
            Outbound::new(&OutboundConfig {
                total_timeout: MAX_TIME,
                max_answer,
                ..OutboundConfig::new(reach)
            })
        };
        let owner = format!("@_url_previews:{}", media.0.server_name);
        let owner = OwnedUserId::try_from(owner).expect("the local part is a valid one");
        Ok(Self(Some(Arc::new(Inner {
            domains: config.domains.iter().map(|domain| domain.to_lowercase()).collect(),
            pages: client(MAX_PAGE)?,
            pictures: client(MAX_PICTURE)?,
            kept: Cache::new(KEPT),
            at_once: Semaphore::new(AT_ONCE),
            owner,
            media,
        }))))
    }

    /// What a page says of itself, `og:` keys to texts and numbers; nothing if it says nothing, can't
    /// be had or isn't to be asked.
    pub async fn preview(&self, url: &Url) -> Arc<Map<String, Value>> {
        let Some(inner) = &self.0 else { return Arc::default() };
        if !inner.is_allowed(url) {
            return Arc::default();
        }
        let mut url = url.clone();
        url.set_fragment(None);
        let hour = inner.media.0.ambient.now_ms() / LIFETIME_MS;
        let key = (url.to_string(), hour);
        let make = async {
            let found = inner.make(&url).await;
            Ok::<_, std::convert::Infallible>(Arc::new(found))
        };
        let Ok(found) = inner.kept.get_or_insert_async(&key, make).await;
        found
    }
}

impl Inner {
    fn is_allowed(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let is_below = |domain: &String| {
            host.strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.domains.is_empty() || self.domains.iter().any(is_below)
    }

    async fn make(&self, url: &Url) -> Map<String, Value> {
        let Ok(_turn) = self.at_once.acquire().await else { return Map::new() };
        let fetched = match self.fetch(&self.pages, url.clone()).await {
            Ok(Some(fetched)) => fetched,
            Ok(None) => return Map::new(),
            Err(error) => {
                tracing::debug!(host = url.host_str(), %error, "no preview");
                return Map::new();
            }
        };
        let mut preview = Map::new();
        if fetched.content_type.starts_with("image/") {
            self.add_picture(&mut preview, fetched).await;
            return preview;
        }
        if !matches!(&*fetched.content_type, "text/html" | "application/xhtml+xml") {
            return preview;
        }
        let page = Page::parse(&fetched.body);
        let picture = page.picture().and_then(|picture| fetched.url.join(picture).ok());
        preview = page.into_preview();
        // An address would have every reader's client ask that server, and so tell it who reads.
        preview.retain(|key, _| !key.starts_with("og:image") && !key.starts_with("og:video"));
        if let Some(picture) = picture.filter(|picture| self.is_allowed(picture))
            && let Ok(Some(fetched)) = self.fetch(&self.pictures, picture).await
        {
            self.add_picture(&mut preview, fetched).await;
        }
        preview
    }

    /// Fetches an address, along its redirects. `None` if there is nothing, or the redirects lead
    /// nowhere.
    async fn fetch(
        &self,
        client: &Outbound,
        mut url: Url,
    ) -> Result<Option<Fetched>, OutboundError> {
        for _ in 0..=MAX_REDIRECTS {
            if !self.is_allowed(&url) {
                return Ok(None);
            }
            let request = Request::get(url.as_str())
                .header(header::ACCEPT, "text/html,application/xhtml+xml,image/*;q=0.9")
                .body(Bytes::new())
                .map_err(|_| OutboundError::InvalidUrl(url.host_str().unwrap_or("").to_owned()))?;
            let answer = client.send(request).await?;
            let text = |name: header::HeaderName| {
                answer.headers().get(name).and_then(|value| value.to_str().ok())
            };
            if answer.status().is_redirection() {
                let next = text(header::LOCATION).and_then(|location| url.join(location).ok());
                let Some(next) = next else { return Ok(None) };
                url = next;
                continue;
            }
            if answer.status() != StatusCode::OK {
                return Ok(None);
            }
            let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
            let content_type = content_type.split(';').next().unwrap_or_default();
            let content_type = content_type.trim().to_ascii_lowercase();
            return Ok(Some(Fetched { url, content_type, body: answer.into_body() }));
        }
        Ok(None)
    }

    /// Keeps a picture as a file of this server, and says so.
    async fn add_picture(&self, preview: &mut Map<String, Value>, fetched: Fetched) {
        let Fetched { body, .. } = fetched;
        // What its first bytes say counts, not what its server said.
        let reader = ImageReader::new(Cursor::new(&body)).with_guessed_format();
        let Ok(reader) = reader else { return };
        let Some(format) = reader.format() else { return };
        let Ok((width, height)) = reader.into_dimensions() else { return };
        let size = body.len();
        let content_type = format.to_mime_type().to_owned();
        let address = match self.keep(content_type.clone(), body).await {
            Ok(address) => address,
            Err(error) => {
                tracing::warn!(%error, "a preview's picture could not be kept");
                return;
            }
        };
        preview.insert("og:image".to_owned(), address.to_string().into());
        preview.insert("og:image:type".to_owned(), content_type.into());
        preview.insert("og:image:width".to_owned(), width.into());
        preview.insert("og:image:height".to_owned(), height.into());
        preview.insert("matrix:image:size".to_owned(), size.into());
    }

    async fn keep(
        &self,
        content_type: String,
        body: Bytes,
    ) -> Result<OwnedMxcUri, crate::MediaError> {
        let description = FileDescription {
            content_type: Some(content_type),
            filename: None,
            content_length: u64::try_from(body.len()).ok(),
        };
        let body = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        self.media.upload(&self.owner, description, body).await
    }
}
