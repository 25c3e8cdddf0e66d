//! The configuration: one `pli.toml`, each key of which the environment can override
//! (`PLI_STORE__URL` for `url` in `[store]`).

mod appservices;
mod check;
mod delayed_events;
mod push;
mod rtc;

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use bytesize::ByteSize;
use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use pli_http::{
    layer::rate_limit::Limits,
    server_notices::ServerNoticesConfig,
    state::{DirectoryScope, SupportConfig, TurnConfig},
};
use pli_media::previews::UrlPreviewsConfig;
use ruma::{OwnedServerName, RoomVersionId};
use serde::Deserialize;
use url::Url;

pub use self::{
    appservices::AppServicesConfig,
    check::check,
    delayed_events::DelayedEventsConfig,
    push::{PresenceConfig, PushConfig},
    rtc::RtcConfig,
};

/// What can be wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key is missing, unknown or has a wrong value; the text names the key and the line.
    #[error("{path}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Which key and line, and what to write instead.
        message: String,
    },
    /// An application service's registration is unusable; the text names the file and the key.
    #[error(transparent)]
    Registration(#[from] pli_appservice::InvalidRegistration),
}

/// The whole configuration. Every key is described in `pli.example.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The domain of user ids: what follows the colon. It can't be changed later.
    pub server_name: OwnedServerName,
    /// Where people and apps reach this server.
    pub public_url: Url,
    /// Where keys, media, the outbox and the embedded store live.
    #[serde(default = "default_data_dir")]
    pub data_dir: PathBuf,
    /// Where to listen.
    #[serde(default)]
    pub listen: Listen,
    /// TLS on the client listener; plain HTTP if absent.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// The store.
    #[serde(default)]
    pub store: StoreConfig,
    /// Rate limits.
    #[serde(default)]
    pub rate_limits: RateLimits,
    /// Who may sign up.
    #[serde(default)]
    pub registration: pli_accounts::RegistrationConfig,
    /// Password hashing.
    #[serde(default)]
    pub passwords: pli_accounts::PasswordsConfig,
    /// Sessions.
    #[serde(default)]
    pub sessions: pli_accounts::SessionsConfig,
    /// Apps that sign people in through the browser.
    #[serde(default)]
    pub oauth: pli_accounts::OAuthConfig,
    /// Where else people can sign in.
    #[serde(default)]
    pub upstream: Vec<pli_accounts::UpstreamConfig>,
    /// Outgoing mail.
    #[serde(default)]
    pub mail: pli_accounts::MailConfig,
    /// Rooms.
    #[serde(default)]
    pub rooms: RoomsConfig,
    /// Calls.
    #[serde(default)]
    pub rtc: RtcConfig,
    /// Events that are sent later.
    #[serde(default)]
    pub delayed_events: DelayedEventsConfig,
    /// Bridges and bots.
    #[serde(default)]
    pub appservices: AppServicesConfig,
    /// The user directory.
    #[serde(default)]
    pub directory: DirectoryConfig,
    /// Media.
    #[serde(default)]
    pub media: MediaConfig,
    /// What the server itself tells people.
    #[serde(default)]
    pub server_notices: ServerNoticesConfig,
    /// Relays for calls.
    #[serde(default)]
    pub turn: TurnConfig,
    /// Whom to turn to for help.
    #[serde(default)]
    pub support: SupportConfig,
    /// Telling people's devices of notifications.
    #[serde(default)]
    pub push: PushConfig,
    /// Who is there.
    #[serde(default)]
    pub presence: PresenceConfig,
    /// The log.
    #[serde(default)]
    pub log: LogConfig,
}

/// `[listen]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// The client API and the web app.
    pub client: SocketAddr,
    /// Metrics and health; keep it away from the public.
    pub admin: Option<SocketAddr>,
    /// How many connections there may be to the client listener at a time.
    pub max_connections: usize,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            client: SocketAddr::from(([127, 0, 0, 1], 8008)),
            admin: Some(SocketAddr::from(([127, 0, 0, 1], 9008))),
            max_connections: 10_000,
        }
    }
}

/// `[tls]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// `[store]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `sqlite:PATH`, `postgres://…` or `memory:`; `sqlite:` in `data_dir` if absent.
    pub url: Option<String>,
}

/// `[rate_limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimits {
    /// Whether requests are limited per address and account.
    pub enabled: bool,
    /// How many attempts per minute to sign in or up there may be from one address.
    pub sign_ins_per_minute: NonZeroU32,
    /// How many of those attempts there may be at once.
    pub sign_in_burst: NonZeroU32,
}

impl Default for RateLimits {
    fn default() -> Self {
        let Limits { enabled, sign_in_address, .. } = Limits::default();
        let (sign_ins_per_minute, sign_in_burst) = sign_in_address;
        Self { enabled, sign_ins_per_minute, sign_in_burst }
    }
}

/// `[rooms]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoomsConfig {
    /// The version of rooms that don't ask for one.
    pub default_version: RoomVersionId,
    /// Where this domain's policy server listens; none if absent.
    pub policy_server: Option<Url>,
}

impl Default for RoomsConfig {
    fn default() -> Self {
        Self { default_version: RoomVersionId::V12, policy_server: None }
    }
}

/// `[media]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaConfig {
    /// `file:PATH` or `s3://bucket/prefix`; `file:` in `data_dir` if absent.
    pub store: Option<String>,
    /// The largest file that may be uploaded.
    pub max_upload: ByteSize,
    /// How much one user may keep here; no limit if absent.
    pub quota_per_user: Option<ByteSize>,
    /// How many files a user may have announced without their content.
    pub max_pending: usize,
    /// How long an announced file waits for its content.
    #[serde(with = "humantime_serde")]
    pub pending_lifetime: Duration,
    /// Whether the endpoints of before access tokens (`/_matrix/media/v3/download`) serve whoever
    /// asks. Clients that send their token are served in any case.
    pub open_legacy_endpoints: bool,
    /// Previews of addresses in messages.
    pub url_previews: UrlPreviewsConfig,
}

/// `[directory]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DirectoryConfig {
    /// Whom people find.
    pub scope: DirectoryScope,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            store: None,
            max_upload: ByteSize::mib(100),
            quota_per_user: None,
            max_pending: 100,
            pending_lifetime: Duration::from_secs(24 * 60 * 60),
            open_legacy_endpoints: false,
            url_previews: UrlPreviewsConfig::default(),
        }
    }
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// What to log, as `tracing` filters: `info`, `pli_http=debug,info`.
    pub filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info,ruma_state_res=warn".to_owned(), format: LogFormat::Text }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

fn default_data_dir() -> PathBuf {
    PathBuf::from("data")
}

impl Config {
    /// Reads a configuration file and what the environment overrides in it.
    ///
    /// # Errors
    /// When the file can't be read, or a key is missing, unknown or wrong.
    pub fn load(path: &std::path::Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        check(path, &text)?;
        let config: Self = Figment::from(Toml::string(&text))
            .merge(Env::prefixed("PLI_").split("__"))
            .extract()
            .map_err(|error| ConfigError::Invalid {
                path: path.to_owned(),
                message: format!("environment: {error}"),
            })?;
        config
            .check_upstream()
            .map_err(|message| ConfigError::Invalid { path: path.to_owned(), message })?;
        Ok(config)
    }

    /// Checks what the providers of sign-in need of the rest of the configuration.
    fn check_upstream(&self) -> Result<(), String> {
        let has_domains = !self.registration.domains.is_empty();
        pli_accounts::UpstreamConfig::check_all(&self.upstream, self.oauth.enabled, has_domains)
    }

    /// The store's address: the configured one, or SQLite in the data folder.
    #[must_use]
    pub fn store_url(&self) -> String {
        self.store
            .url
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", self.data_dir.join("pli.db").display()))
    }

    /// The media store's address: the configured one, or files in the data folder.
    #[must_use]
    pub fn media_store(&self) -> String {
        self.media
            .store
            .clone()
            .unwrap_or_else(|| format!("file:{}", self.data_dir.join("media").display()))
    }
}
