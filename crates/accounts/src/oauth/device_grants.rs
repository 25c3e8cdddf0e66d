//! The device authorisation grant (client-server API, section "Device authorisation flow"; RFC
//! 8628): an app without a browser shows a code, and a person types it into a browser elsewhere.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use pli_store::{Batch, Expect, Keyspace, Position, Record, Snapshot};
use quick_cache::sync::Cache;
use ruma::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use super::{
    BrowserSession, Client, DEVICE_CODE, GrantedTokens, Grants, OAuthErrorCode, Scope,
    budget::Budget,
    clients::{client, client_at, stage_use},
};
use crate::{
    AccountsError,
    sessions::SessionSource,
    token::{self, TokenHash, TokenKind},
    upstream::UpstreamOrigin,
};

/// hash of a device code → what it stands for.
pub(crate) const OAUTH_DEVICE_CODES: Keyspace<TokenHash, DeviceCodeRecord> =
    Keyspace::new("oauth_device_codes");
/// hash of a user code → hash of the device code.
pub(crate) const OAUTH_USER_CODES: Keyspace<TokenHash, UserCodeRecord> =
    Keyspace::new("oauth_user_codes");

/// How long the codes are valid.
pub const DEVICE_CODE_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How long an app waits before it asks again.
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// How many codes can be waiting at once, roughly.
const MAX_WAITING: u32 = 5_000;
/// What an app that asks too often is to wait in addition (RFC 8628, section 3.5).
const SLOW_DOWN_MS: u64 = 5_000;
/// An app's clock and the network aren't exact.
const POLL_TOLERANCE_MS: u64 = 500;

/// The letters of user codes: none that make words, none that look like another one.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// How many letters a user code has: with twenty letters, 26 thousand million codes.
const USER_CODE_LENGTH: usize = 8;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceCodeRecord {
    client_id: String,
    scope: Scope,
    pub(crate) user_code: TokenHash,
    state: State,
    pub(crate) expires_ms: u64,
    /// The session at a provider with which whoever let the app in had come.
    #[serde(default)]
    origin: Option<UpstreamOrigin>,
}

impl Record for DeviceCodeRecord {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Waiting,
    Allowed(OwnedUserId),
    Denied,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UserCodeRecord {
    device_code: TokenHash,
}

impl Record for UserCodeRecord {}

/// When apps asked last, and how long they are to wait. In memory: a restart forgives.
pub(super) type Polls = Arc<Cache<TokenHash, Arc<Mutex<Poll>>>>;

#[derive(Debug)]
pub(super) struct Poll {
    last_ms: Option<u64>,
    interval_ms: u64,
}

pub(super) fn polls() -> Polls {
    Arc::new(Cache::new(usize::try_from(MAX_WAITING).unwrap_or(usize::MAX)))
}

pub(super) fn budget() -> Budget {
    Budget::new(MAX_WAITING, DEVICE_CODE_LIFETIME)
}

/// The codes of an app that waits.
#[derive(Clone, Debug)]
pub struct StartedDeviceGrant {
    /// What the app asks with.
    pub device_code: String,
    /// What the person types: `WDJB-MJHT`.
    pub user_code: String,
}

/// An app that waits for a person.
#[derive(Clone, Debug)]
pub struct PendingDevice {
    /// Who asks.
    pub client: Client,
    /// What for.
    pub scope: Scope,
}

impl Grants {
    /// Codes for an app that wants to be let in from another device.
    ///
    /// # Errors
    /// `invalid_client`, `unauthorized_client`, `invalid_scope`;
    /// [`AccountsError::LimitExceeded`] if too many apps wait; when the store fails.
    pub async fn start_device_grant(
        &self,
        client_id: &str,
        scope: &str,
    ) -> Result<StartedDeviceGrant, AccountsError> {
        retry_on_conflict!(self.try_start_device_grant(client_id, scope).await)
    }

    async fn try_start_device_grant(
        &self,
        client_id: &str,
        scope: &str,
    ) -> Result<StartedDeviceGrant, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let (client, _) = client_at(&snapshot, client_id).await?;
        drop(snapshot);
        if !client.metadata.uses(DEVICE_CODE) {
            return Err(AccountsError::oauth(
                OAuthErrorCode::UnauthorizedClient,
                "the client did not register for the device_code grant",
            ));
        }
        let scope = Scope::parse(scope)?;
        let now_ms = self.ambient.now_ms();
        self.device_grants.take(now_ms)?;

        let device_code = token::generate(&self.ambient, TokenKind::DeviceCode);
        let letters = self.letters();
        let (device_hash, user_hash) = (token::hash(&device_code), user_code_hash(&letters));
        let lifetime_ms = u64::try_from(DEVICE_CODE_LIFETIME.as_millis()).unwrap_or(u64::MAX);
        let record = DeviceCodeRecord {
            client_id: client_id.to_owned(),
            scope,
            user_code: user_hash,
            state: State::Waiting,
            origin: None,
            expires_ms: now_ms.saturating_add(lifetime_ms),
        };
        let mut batch = Batch::new();
        batch
            // Two apps must not wait for the same code.
            .require(&OAUTH_USER_CODES, user_hash, Expect::Absent)
            .put(&OAUTH_USER_CODES, user_hash, &UserCodeRecord { device_code: device_hash })
            .put(&OAUTH_DEVICE_CODES, device_hash, &record);
        self.store.commit(batch).await?;
        let (first, second) = letters.split_at(USER_CODE_LENGTH / 2);
        Ok(StartedDeviceGrant { device_code, user_code: format!("{first}-{second}") })
    }

    /// The app that waits for a code which somebody typed.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if there is none, [`AccountsError::LimitExceeded`] once somebody
    /// guessed wrong too often; when the store fails.
    pub async fn pending_device(
        &self,
        user_id: &UserId,
        typed: &str,
    ) -> Result<PendingDevice, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let (_, record, _) = self.waiting_at(&snapshot, user_id, typed).await?;
        let (found, _) = client_at(&snapshot, &record.client_id).await?;
        Ok(PendingDevice { client: client(&record.client_id, found), scope: record.scope })
    }

    /// Lets the app in that waits for a code, or not.
    ///
    /// # Errors
    /// As [`Self::pending_device`].
    pub async fn decide_device(
        &self,
        session: &BrowserSession,
        typed: &str,
        allow: bool,
    ) -> Result<(), AccountsError> {
        retry_on_conflict!(self.try_decide_device(session, typed, allow).await)
    }

    async fn try_decide_device(
        &self,
        session: &BrowserSession,
        typed: &str,
        allow: bool,
    ) -> Result<(), AccountsError> {
        let BrowserSession { user_id, origin, .. } = session;
        let snapshot = self.store.snapshot().await?;
        let (hash, record, version) = self.waiting_at(&snapshot, user_id, typed).await?;
        drop(snapshot);
        let state = if allow { State::Allowed(user_id.clone()) } else { State::Denied };
        let origin = origin.clone().filter(|_| allow);
        let user_code = record.user_code;
        let mut batch = Batch::new();
        batch
            .require(&OAUTH_DEVICE_CODES, hash, Expect::Version(version))
            .put(&OAUTH_DEVICE_CODES, hash, &DeviceCodeRecord { state, origin, ..record })
            // A code is typed once.
            .delete(&OAUTH_USER_CODES, user_code);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// An app asks whether it is let in.
    ///
    /// # Errors
    /// `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`,
    /// `invalid_client`; when the store fails.
    pub async fn poll_device(
        &self,
        client_id: &str,
        device_code: &str,
    ) -> Result<GrantedTokens, AccountsError> {
        let hash = token::hash(device_code);
        self.check_interval(hash)?;
        retry_on_conflict!(self.try_poll_device(client_id, hash).await)
    }

    async fn try_poll_device(
        &self,
        client_id: &str,
        hash: TokenHash,
    ) -> Result<GrantedTokens, AccountsError> {
        let now_ms = self.ambient.now_ms();
        let snapshot = self.store.snapshot().await?;
        let client = client_at(&snapshot, client_id).await?;
        let (record, version) = snapshot
            .get_versioned(&OAUTH_DEVICE_CODES, hash)
            .await?
            .filter(|(record, _)| record.client_id == client_id)
            .ok_or_else(|| {
                let description = "the device code is not known, or has been used";
                AccountsError::oauth(OAuthErrorCode::InvalidGrant, description)
            })?;
        if record.expires_ms <= now_ms {
            let description = "the device code has expired: start again";
            return Err(AccountsError::oauth(OAuthErrorCode::ExpiredToken, description));
        }
        let mut batch = Batch::new();
        batch.require(&OAUTH_DEVICE_CODES, hash, Expect::Version(version));
        match record.state {
            State::Waiting => Err(AccountsError::oauth(
                OAuthErrorCode::AuthorizationPending,
                "nobody has typed the code yet: ask again",
            )),
            State::Denied => {
                drop(snapshot);
                batch.delete(&OAUTH_DEVICE_CODES, hash);
                self.store.commit(batch).await?;
                Err(AccountsError::oauth(OAuthErrorCode::AccessDenied, "the person said no"))
            }
            State::Allowed(user_id) => {
                batch.delete(&OAUTH_DEVICE_CODES, hash);
                let name = client.0.metadata.name(crate::Language::English).to_owned();
                stage_use(&mut batch, client_id, client, now_ms);
                let origin = record.origin.as_ref();
                let source = SessionSource { client_id: Some(client_id), origin };
                self.open(snapshot, batch, &user_id, source, name, record.scope).await
            }
        }
    }

    async fn waiting_at(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        typed: &str,
    ) -> Result<(TokenHash, DeviceCodeRecord, Position), AccountsError> {
        let now_ms = self.ambient.now_ms();
        self.guesses.check(user_id, now_ms)?;
        let wrong = || {
            // Whoever tries codes until one fits would let a stranger's app in, or spoil it.
            self.guesses.count(user_id, now_ms);
            AccountsError::not_found("no app waits for this code: check it, or start again")
        };
        let letters: String = typed
            .chars()
            .filter(char::is_ascii_alphabetic)
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        let user_hash = user_code_hash(&letters);
        let Some(pointer) = snapshot.get(&OAUTH_USER_CODES, user_hash).await? else {
            return Err(wrong());
        };
        let hash = pointer.device_code;
        let found = snapshot.get_versioned(&OAUTH_DEVICE_CODES, hash).await?;
        let (record, version) = found
            .filter(|(record, _)| record.expires_ms > now_ms && record.state == State::Waiting)
            .ok_or_else(wrong)?;
        Ok((hash, record, version))
    }

    /// Whether enough time has passed since an app asked last.
    fn check_interval(&self, hash: TokenHash) -> Result<(), AccountsError> {
        let now_ms = self.ambient.now_ms();
        let interval_ms = u64::try_from(POLL_INTERVAL.as_millis()).unwrap_or(u64::MAX);
        let known = self.polls.get_or_insert_with(&hash, || {
            let poll = Poll { last_ms: None, interval_ms };
            Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(poll)))
        });
        let mut poll = match &known {
            Ok(poll) => poll.lock(),
            Err(never) => match *never {},
        };
        let earliest_ms = poll.last_ms.map(|last_ms| {
            last_ms.saturating_add(poll.interval_ms).saturating_sub(POLL_TOLERANCE_MS)
        });
        poll.last_ms = Some(now_ms);
        if earliest_ms.is_some_and(|earliest_ms| now_ms < earliest_ms) {
            poll.interval_ms = poll.interval_ms.saturating_add(SLOW_DOWN_MS);
            let description = "wait five seconds longer before you ask again";
            return Err(AccountsError::oauth(OAuthErrorCode::SlowDown, description));
        }
        Ok(())
    }

    /// The letters of a user code, each code equally likely.
    fn letters(&self) -> String {
        let mut letters = String::with_capacity(USER_CODE_LENGTH);
        while letters.len() < USER_CODE_LENGTH {
            let drawn: [u8; 32] = self.ambient.random_bytes();
            // Bytes from 240 on are drawn again, so that every letter is equally likely.
            let usable = drawn.iter().filter(|&&byte| byte < 240);
            let missing = USER_CODE_LENGTH - letters.len();
            let chosen = usable.take(missing).map(|&byte| LETTERS[usize::from(byte) % 20]);
            letters.extend(chosen.map(char::from));
        }
        letters
    }
}

fn user_code_hash(letters: &str) -> TokenHash {
    token::hash_parts([b"user code".as_slice(), letters.as_bytes()])
}
