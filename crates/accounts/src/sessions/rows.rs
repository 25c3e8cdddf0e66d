//! What the store keeps of sessions.

use pli_store::{Keyspace, Record};
use ruma::{OwnedDeviceId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{token::TokenHash, upstream::UpstreamOrigin};

/// user, device → the tokens of the device's session.
pub(crate) const SESSIONS: Keyspace<(OwnedUserId, OwnedDeviceId), SessionRecord> =
    Keyspace::new("sessions");
/// hash of an access token → whose it is.
pub(crate) const ACCESS_TOKENS: Keyspace<TokenHash, AccessTokenRecord> =
    Keyspace::new("access_tokens");
/// hash of a refresh token → whose it is.
pub(crate) const REFRESH_TOKENS: Keyspace<TokenHash, RefreshTokenRecord> =
    Keyspace::new("refresh_tokens");

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    /// The pair in use.
    pub(super) current: TokenPair,
    /// The pair handed out by a refresh and not used yet. Until it is, the one in use stays valid:
    /// the answer may never have reached the client.
    pub(super) next: Option<TokenPair>,
    /// The refresh tokens exchanged before, oldest first.
    pub(super) consumed: Vec<TokenHash>,
    /// The OAuth 2.0 client that the session was granted to; `None`: it was opened with a password.
    #[serde(default)]
    pub(super) client_id: Option<String>,
    /// The session at a provider that it came of, and ends with.
    #[serde(default)]
    pub(super) origin: Option<UpstreamOrigin>,
}

impl Record for SessionRecord {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TokenPair {
    pub(super) access: TokenHash,
    pub(super) refresh: Option<TokenHash>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessTokenRecord {
    pub(super) user_id: OwnedUserId,
    pub(super) device_id: OwnedDeviceId,
    /// When it stops being valid, in milliseconds since the Unix epoch; `None`: never.
    pub(super) expires_ms: Option<u64>,
}

impl Record for AccessTokenRecord {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RefreshTokenRecord {
    pub(super) user_id: OwnedUserId,
    pub(super) device_id: OwnedDeviceId,
    /// The family was killed: the client has to sign in again, and may keep its keys.
    pub(super) revoked: bool,
}

impl Record for RefreshTokenRecord {}
