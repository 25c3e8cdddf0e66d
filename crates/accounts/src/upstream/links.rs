use std::time::Duration;

use pli_store::{Keyspace, Record};
use ruma::OwnedUserId;
use serde::{Deserialize, Serialize};

use crate::token::TokenHash;

/// issuer, `sub` → whose account that is. The row outlives the account: who was deactivated doesn't
/// come back as somebody new.
pub(crate) const UPSTREAM_LINKS: Keyspace<(String, String), LinkRecord> =
    Keyspace::new("upstream_links");
/// user, issuer, `sub` → nothing.
pub(crate) const UPSTREAM_LINKS_OF_USERS: Keyspace<(OwnedUserId, String, String), ()> =
    Keyspace::new("upstream_links_of_users");
/// issuer, `sid` → a session at the provider that somebody came with.
pub(crate) const UPSTREAM_SESSIONS: Keyspace<(String, String), UpstreamSessionRecord> =
    Keyspace::new("upstream_sessions");
/// hash of a `state` → a sign-in that was begun.
pub(crate) const UPSTREAM_STATES: Keyspace<TokenHash, StateRecord> =
    Keyspace::new("upstream_states");
/// issuer, `jti` → a logout token that was obeyed.
pub(crate) const UPSTREAM_LOGOUTS: Keyspace<(String, String), LogoutRecord> =
    Keyspace::new("upstream_logouts");

/// For how long a provider's sessions are remembered. No provider keeps one longer.
pub(crate) const UPSTREAM_SESSION_MEMORY: Duration = Duration::from_secs(90 * 24 * 60 * 60);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LinkRecord {
    pub(crate) user_id: OwnedUserId,
    pub(super) linked_ms: u64,
    /// The address that the provider told last.
    pub(super) email: Option<String>,
    /// How often the provider ended all sessions of the person.
    pub(super) generation: u32,
}

impl Record for LinkRecord {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamSessionRecord {
    pub(super) user_id: OwnedUserId,
    pub(super) subject: String,
    pub(crate) opened_ms: u64,
    /// How often it was begun.
    pub(super) generation: u32,
    pub(super) ended: bool,
}

impl Record for UpstreamSessionRecord {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StateRecord {
    /// The provider's id in the configuration.
    pub(super) provider: String,
    /// The hash of a secret of the browser in which it was begun.
    pub(super) browser: TokenHash,
    pub(super) nonce: String,
    pub(super) code_verifier: String,
    pub(super) next: String,
    /// The person has to prove anew who they are.
    pub(super) again: bool,
    pub(super) started_ms: u64,
    pub(crate) expires_ms: u64,
}

impl Record for StateRecord {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LogoutRecord {
    pub(crate) expires_ms: u64,
    /// Whose session it ended, if somebody came with it.
    #[serde(default)]
    pub(super) user_id: Option<OwnedUserId>,
}

impl Record for LogoutRecord {}
