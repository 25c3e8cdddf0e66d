//! What an operator can configure about accounts (`pli.toml`).

use std::{collections::BTreeMap, time::Duration};

use bytesize::ByteSize;
use serde::Deserialize;
use url::Url;

/// Who may sign up: the section `[registration]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationConfig {
    /// How people prove that they may have an account.
    pub mode: RegistrationMode,
    /// The domains of e-mail addresses that may sign up, lower case. Subdomains are not included.
    pub domains: Vec<String>,
    /// What to call the organisation behind a domain: "Claire Martin [Intérieur]".
    pub organisations: BTreeMap<String, String>,
    /// The registration token of mode `token`.
    pub token: Option<String>,
    /// Enables the shared-secret registration of `/_synapse/admin/v1/register`.
    pub shared_secret: Option<String>,
    /// Whether whoever reaches the server may come as a guest, into rooms that let guests in.
    pub guests: bool,
    /// For how long the code and the link of a mail are valid.
    #[serde(with = "humantime_serde")]
    pub code_lifetime: Duration,
}

impl Default for RegistrationConfig {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Email,
            domains: Vec::new(),
            organisations: BTreeMap::new(),
            token: None,
            shared_secret: None,
            guests: false,
            code_lifetime: Duration::from_secs(60 * 60),
        }
    }
}

/// How people prove that they may have an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationMode {
    /// By a code mailed to an address of a configured domain.
    #[default]
    Email,
    /// By a registration token that the operator hands out.
    Token,
    /// Not at all: whoever reaches the server gets an account. For tests.
    Open,
    /// Nobody can sign up.
    Closed,
}

/// Passwords: the section `[passwords]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordsConfig {
    /// The memory that hashing one password takes.
    pub argon2_memory: ByteSize,
    /// How often hashing goes over that memory.
    pub argon2_iterations: u32,
    /// How many threads hash one password.
    pub argon2_parallelism: u32,
    /// How many passwords are hashed at once; the others wait. 0: one per core.
    pub max_concurrent: usize,
    /// The least length of a password, in characters.
    pub min_length: usize,
}

impl Default for PasswordsConfig {
    fn default() -> Self {
        Self {
            argon2_memory: ByteSize::mib(64),
            argon2_iterations: 3,
            argon2_parallelism: 1,
            max_concurrent: 0,
            min_length: 8,
        }
    }
}

/// Sessions: the section `[sessions]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionsConfig {
    /// For how long an access token is valid that can be refreshed.
    #[serde(with = "humantime_serde")]
    pub access_token_lifetime: Duration,
    /// For how long a token of `/login/get_token` is valid.
    #[serde(with = "humantime_serde")]
    pub login_token_lifetime: Duration,
    /// How many access tokens are remembered in memory.
    pub cached_tokens: usize,
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            access_token_lifetime: Duration::from_secs(5 * 60),
            login_token_lifetime: Duration::from_secs(2 * 60),
            cached_tokens: 50_000,
        }
    }
}

/// OAuth 2.0: the section `[oauth]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OAuthConfig {
    /// Whether apps can sign people in through the browser.
    pub enabled: bool,
    /// For how long a browser stays signed in on the server's own pages.
    #[serde(with = "humantime_serde")]
    pub browser_session_lifetime: Duration,
    /// Whether a device can sign in another one by a QR code.
    pub qr_sign_in: bool,
    /// Sites and apps of before OAuth 2.0 (`m.login.sso`) that people sign in to without being asked
    /// whether they want to: `https://app.example`, `com.example.app:/`.
    pub trusted_sites: Vec<Url>,
}

impl Default for OAuthConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            browser_session_lifetime: Duration::from_secs(12 * 60 * 60),
            qr_sign_in: true,
            trusted_sites: Vec::new(),
        }
    }
}

/// Outgoing mail: the section `[mail]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailConfig {
    /// Where mails go: `smtp://user:password@host:port` (with STARTTLS), `smtps://…`, or
    /// `outbox:DIRECTORY` for a developer's machine.
    pub url: String,
    /// The sender.
    pub from: String,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self { url: "outbox:data/outbox".to_owned(), from: "Pli <no-reply@localhost>".to_owned() }
    }
}
