//! Sessions: the access and refresh tokens of a device (client-server API, sections "Using access
//! tokens" and "Refreshing access tokens").
//!
//! A device has one session. Its tokens form a family: at most one pair that is in use, one pair that
//! was handed out in exchange for it and not used yet, and the hashes of the last refresh tokens that
//! were exchanged before. Whoever presents one of those last ones shows that a token was stolen: the
//! whole family dies.

mod family;
mod rows;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pli_store::{Batch, Direction, Expect, Snapshot, Store, ambient::Ambient};
use quick_cache::sync::Cache;
use ruma::{DeviceId, UserId};
use tokio::sync::broadcast::error::RecvError;

pub(crate) use self::rows::{ACCESS_TOKENS, REFRESH_TOKENS, SESSIONS};
use self::{
    family::{stage_family_death, stage_pair_deletion, stage_promotion, stage_session_deletion},
    rows::{AccessTokenRecord, RefreshTokenRecord, SessionRecord, TokenPair},
};
use crate::{
    AccountsError, Requester, SessionsConfig,
    accounts::USERS,
    devices::MAX_DEVICES,
    token::{self, TokenHash, TokenKind},
    upstream::UpstreamOrigin,
};

/// What a session comes of, other than a password.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SessionSource<'a> {
    /// The OAuth 2.0 client that it is granted to.
    pub(crate) client_id: Option<&'a str>,
    /// The session at a provider.
    pub(crate) origin: Option<&'a UpstreamOrigin>,
}

struct CachedToken {
    requester: Requester,
    expires_ms: Option<u64>,
}

impl CachedToken {
    fn requester_at(&self, now_ms: u64) -> Result<Requester, AccountsError> {
        if self.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms) {
            return Err(AccountsError::UnknownToken { soft_logout: true });
        }
        Ok(self.requester.clone())
    }
}

/// Tokens just made. The only moment at which they exist in clear.
#[derive(Clone, Debug)]
pub struct IssuedTokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token, if the client asked for one.
    pub refresh_token: Option<String>,
    /// For how long the access token is valid; `None`: until it is revoked.
    pub expires_in: Option<Duration>,
}

/// Access tokens that a batch revokes. Hand it to [`Sessions::forget`] once the batch is committed.
#[derive(Debug, Default)]
#[must_use = "revoked tokens stay valid in the cache until `Sessions::forget` is called"]
pub struct RevokedTokens(Vec<TokenHash>);

impl RevokedTokens {
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Access tokens and what they stand for.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    ambient: Ambient,
    access_token_lifetime: Duration,
    cache: Arc<Cache<TokenHash, Arc<CachedToken>>>,
    /// Counts revocations, so that a look-up that overlaps with one isn't cached.
    revocations: Arc<AtomicU64>,
}

impl Sessions {
    /// The sessions in a store.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient, config: &SessionsConfig) -> Self {
        Self {
            store,
            ambient,
            access_token_lifetime: config.access_token_lifetime,
            cache: Arc::new(Cache::new(config.cached_tokens)),
            revocations: Arc::default(),
        }
    }

    /// Who an access token belongs to.
    ///
    /// # Errors
    /// [`AccountsError::UnknownToken`] if nobody, or if it has expired; when the store fails.
    pub async fn authenticate(&self, access_token: &str) -> Result<Requester, AccountsError> {
        let hash = token::hash(access_token);
        if let Some(cached) = self.cache.get(&hash) {
            return cached.requester_at(self.ambient.now_ms());
        }
        retry_on_conflict!(self.look_up(hash).await)
    }

    async fn look_up(&self, hash: TokenHash) -> Result<Requester, AccountsError> {
        const UNKNOWN: AccountsError = AccountsError::UnknownToken { soft_logout: false };
        let revocations = self.revocations.load(Ordering::SeqCst);
        let snapshot = self.store.snapshot().await?;
        let AccessTokenRecord { user_id, device_id, expires_ms } =
            snapshot.get(&ACCESS_TOKENS, hash).await?.ok_or(UNKNOWN)?;
        let user = snapshot.get(&USERS, &user_id).await?.ok_or(UNKNOWN)?;
        let standing = user.standing;
        let requester = Requester { standing, ..Requester::new(user_id, device_id) };
        let cached = CachedToken { requester, expires_ms };
        let requester = cached.requester_at(self.ambient.now_ms())?;

        let key = (&requester.user_id, &requester.device_id);
        let (session, version) = snapshot.get_versioned(&SESSIONS, key).await?.ok_or(UNKNOWN)?;
        drop(snapshot);
        // The first use of a new pair shows that it arrived: the old pair ends here.
        if session.next.as_ref().is_some_and(|next| next.access == hash) {
            let mut batch = Batch::new();
            let (_, revoked) = stage_promotion(&mut batch, &requester, session, version);
            self.store.commit(batch).await?;
            self.forget(revoked);
        } else if session.current.access != hash {
            return Err(UNKNOWN);
        }

        // A promotion of our own counts too: then the next request fills the cache.
        self.cache.insert(hash, Arc::new(cached));
        if self.revocations.load(Ordering::SeqCst) != revocations {
            self.cache.remove(&hash);
        }
        Ok(requester)
    }

    /// Exchanges a refresh token for a new pair.
    ///
    /// The old pair stays valid until the new one is used for the first time, so that a lost answer
    /// locks nobody out. A refresh token whose successor has been used is a stolen one (or the thief
    /// was faster): the whole session's tokens die, and its owner signs in again.
    ///
    /// # Errors
    /// [`AccountsError::UnknownToken`] if the token isn't valid; when the store fails.
    pub async fn refresh(&self, refresh_token: &str) -> Result<IssuedTokens, AccountsError> {
        self.refresh_for(refresh_token, None).await
    }

    /// The same as [`Self::refresh`] for an OAuth 2.0 client: each client exchanges its own tokens
    /// only, and nobody a client's by another way.
    pub(crate) async fn refresh_for(
        &self,
        refresh_token: &str,
        client_id: Option<&str>,
    ) -> Result<IssuedTokens, AccountsError> {
        let hash = token::hash(refresh_token);
        retry_on_conflict!(self.try_refresh(hash, client_id).await)
    }

    async fn try_refresh(
        &self,
        hash: TokenHash,
        client_id: Option<&str>,
    ) -> Result<IssuedTokens, AccountsError> {
        const UNKNOWN: AccountsError = AccountsError::UnknownToken { soft_logout: false };
        let snapshot = self.store.snapshot().await?;
        let record = snapshot.get(&REFRESH_TOKENS, hash).await?.ok_or(UNKNOWN)?;
        if record.revoked {
            return Err(AccountsError::UnknownToken { soft_logout: true });
        }
        let owner = Requester::new(record.user_id, record.device_id);
        let key = (&owner.user_id, &owner.device_id);
        let (session, version) = snapshot.get_versioned(&SESSIONS, key).await?.ok_or(UNKNOWN)?;
        let user = snapshot.get(&USERS, &owner.user_id).await?;
        drop(snapshot);
        if session.client_id.as_deref() != client_id {
            return Err(UNKNOWN);
        }
        // Whose account is locked keeps what they have. An app of OAuth 2.0 has no other way to learn
        // that than by using new tokens: an error would make it forget the old ones.
        if client_id.is_none() && user.is_some_and(|user| user.standing.locked) {
            return Err(AccountsError::UserLocked);
        }

        let mut batch = Batch::new();
        if session.consumed.contains(&hash) {
            let revoked = stage_family_death(&mut batch, &owner, session, version);
            self.store.commit(batch).await?;
            self.forget(revoked);
            tracing::warn!(
                user_id = %owner.user_id,
                device_id = %owner.device_id,
                "a refresh token was used twice: the session's tokens are revoked"
            );
            return Err(AccountsError::UnknownToken { soft_logout: true });
        }

        let is_next = session.next.as_ref().is_some_and(|next| next.refresh == Some(hash));
        let (mut session, mut revoked) = if is_next {
            stage_promotion(&mut batch, &owner, session, version)
        } else {
            batch.require(&SESSIONS, key, Expect::Version(version));
            (session, RevokedTokens::default())
        };
        // The client asks again with the same token: it never saw the pair handed out before.
        if let Some(unseen) = session.next.take() {
            revoked.extend(stage_pair_deletion(&mut batch, &unseen));
        }
        let (pair, issued) =
            self.stage_new_pair(&mut batch, &owner.user_id, &owner.device_id, true);
        session.next = Some(pair);
        batch.put(&SESSIONS, key, &session);
        self.store.commit(batch).await?;
        self.forget(revoked);
        Ok(issued)
    }

    /// Gives a device new tokens, in a batch that does more; the device's old ones are revoked.
    pub(crate) async fn stage_tokens(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        device_id: &DeviceId,
        refreshable: bool,
        source: SessionSource<'_>,
    ) -> Result<(IssuedTokens, RevokedTokens), AccountsError> {
        let key = (user_id, device_id);
        let old = snapshot.get_versioned(&SESSIONS, key).await?;
        batch.require(&SESSIONS, key, Expect::unchanged(old.as_ref().map(|(_, version)| *version)));
        let revoked = old.map_or_else(RevokedTokens::default, |(session, _)| {
            stage_session_deletion(batch, &session)
        });
        let (current, issued) = self.stage_new_pair(batch, user_id, device_id, refreshable);
        let session = SessionRecord {
            current,
            next: None,
            consumed: Vec::new(),
            client_id: source.client_id.map(str::to_owned),
            origin: source.origin.cloned(),
        };
        batch.put(&SESSIONS, key, &session);
        Ok((issued, revoked))
    }

    /// Ends a device's session, in a batch that does more. A device without one is fine.
    pub(crate) async fn stage_revocation(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<RevokedTokens, AccountsError> {
        let key = (user_id, device_id);
        let Some((session, version)) = snapshot.get_versioned(&SESSIONS, key).await? else {
            return Ok(RevokedTokens::default());
        };
        batch.require(&SESSIONS, key, Expect::Version(version)).delete(&SESSIONS, key);
        Ok(stage_session_deletion(batch, &session))
    }

    /// Kills a device's tokens, in a batch that does more, in a way that lets its owner sign in again
    /// and keep its keys. A device without tokens is fine.
    pub(crate) async fn stage_death(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<RevokedTokens, AccountsError> {
        let key = (user_id, device_id);
        let Some((session, version)) = snapshot.get_versioned(&SESSIONS, key).await? else {
            return Ok(RevokedTokens::default());
        };
        let owner = Requester::new(user_id.to_owned(), device_id.to_owned());
        Ok(stage_family_death(batch, &owner, session, version))
    }

    /// Whose token this is, be it an access token or a refresh token that can still be exchanged.
    pub(crate) async fn owner_of(&self, token: &str) -> Result<Option<Requester>, AccountsError> {
        let hash = token::hash(token);
        let snapshot = self.store.snapshot().await?;
        if let Some(record) = snapshot.get(&ACCESS_TOKENS, hash).await? {
            let AccessTokenRecord { user_id, device_id, .. } = record;
            return Ok(Some(Requester::new(user_id, device_id)));
        }
        let Some(record) = snapshot.get(&REFRESH_TOKENS, hash).await? else { return Ok(None) };
        let key = (&record.user_id, &record.device_id);
        let session = snapshot.get(&SESSIONS, key).await?;
        // What was exchanged long ago is a token no more; nobody signs anybody out with it.
        let is_consumed = session.is_none_or(|session| session.consumed.contains(&hash));
        let RefreshTokenRecord { user_id, device_id, .. } = record;
        Ok((!is_consumed).then_some(Requester::new(user_id, device_id)))
    }

    /// The OAuth 2.0 client that a session was granted to; `None` for one that was opened with a
    /// password.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn client_of(&self, requester: &Requester) -> Result<Option<String>, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let key = (&requester.user_id, &requester.device_id);
        Ok(snapshot.get(&SESSIONS, key).await?.and_then(|session| session.client_id))
    }

    /// The session at a provider that a session came of.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn origin_of(
        &self,
        requester: &Requester,
    ) -> Result<Option<UpstreamOrigin>, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let key = (&requester.user_id, &requester.device_id);
        Ok(snapshot.get(&SESSIONS, key).await?.and_then(|session| session.origin))
    }

    /// Kills the tokens of a user's sessions that came of sessions at a provider which have ended,
    /// in a way that lets the user sign in again on the same devices and keep their keys.
    pub(crate) async fn end_outlived(&self, user_id: &UserId) -> Result<(), AccountsError> {
        retry_on_conflict!(self.try_end_outlived(user_id).await)
    }

    async fn try_end_outlived(&self, user_id: &UserId) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let range = SESSIONS.prefix((user_id,));
        let rows = snapshot.scan(&SESSIONS, range, MAX_DEVICES, Direction::Forward).await?;
        let mut batch = Batch::new();
        let mut revoked = RevokedTokens::default();
        for row in rows {
            let Some(origin) = &row.value.origin else { continue };
            if origin.is_current_at(&snapshot).await? {
                continue;
            }
            let (user_id, device_id) = row.key;
            let owner = Requester::new(user_id, device_id);
            revoked.extend(stage_family_death(&mut batch, &owner, row.value, row.version));
        }
        drop(snapshot);
        if !batch.is_empty() {
            self.store.commit(batch).await?;
            self.forget(revoked);
        }
        Ok(())
    }

    /// Refuses what needs user-interactive authentication to a session that was granted to an OAuth
    /// 2.0 client: such a client never sees the password (section "OAuth 2.0 API").
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`]; when the store fails.
    pub async fn check_not_granted(&self, requester: &Requester) -> Result<(), AccountsError> {
        if self.client_of(requester).await?.is_some() {
            return Err(AccountsError::forbidden(
                "this app signed in through the browser: do this on the account's page there",
            ));
        }
        Ok(())
    }

    /// Drops revoked tokens from the cache. Call it after the commit.
    pub fn forget(&self, revoked: RevokedTokens) {
        if revoked.0.is_empty() {
            return;
        }
        self.revocations.fetch_add(1, Ordering::SeqCst);
        for hash in revoked.0 {
            self.cache.remove(&hash);
        }
    }

    /// Forgets what is remembered of all access tokens: it is looked up again.
    pub(crate) fn forget_all(&self) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
        self.cache.clear();
    }

    /// Forgets the tokens that other nodes revoke, until the future is dropped. To be called before
    /// anything is remembered; needed where there are other nodes ([`Store::is_shared`]).
    pub fn follow_other_nodes(self) -> impl Future<Output = ()> + Send {
        let mut commits = self.store.subscribe();
        async move {
            loop {
                match commits.recv().await {
                    Ok(committed) if committed.missed_some() => self.forget_all(),
                    Ok(committed) => {
                        for touch in &committed.touched {
                            if let Some(hash) = touch.key_of(&ACCESS_TOKENS) {
                                self.forget(RevokedTokens(vec![hash]));
                            } else if touch.key_of(&USERS).is_some() {
                                // How somebody stands is remembered with each of their tokens.
                                self.forget_all();
                            }
                        }
                    }
                    Err(RecvError::Lagged(_)) => self.forget_all(),
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    fn stage_new_pair(
        &self,
        batch: &mut Batch,
        user_id: &UserId,
        device_id: &DeviceId,
        refreshable: bool,
    ) -> (TokenPair, IssuedTokens) {
        let access_token = token::generate(&self.ambient, TokenKind::Access);
        let access = token::hash(&access_token);
        let expires_in = refreshable.then_some(self.access_token_lifetime);
        let expires_ms = expires_in.map(|lifetime| {
            let lifetime_ms = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
            self.ambient.now_ms().saturating_add(lifetime_ms)
        });
        let record = AccessTokenRecord {
            user_id: user_id.to_owned(),
            device_id: device_id.to_owned(),
            expires_ms,
        };
        batch.put(&ACCESS_TOKENS, access, &record);

        let refresh_token = refreshable.then(|| token::generate(&self.ambient, TokenKind::Refresh));
        let refresh = refresh_token.as_deref().map(token::hash);
        if let Some(refresh) = refresh {
            let record = RefreshTokenRecord {
                user_id: user_id.to_owned(),
                device_id: device_id.to_owned(),
                revoked: false,
            };
            batch.put(&REFRESH_TOKENS, refresh, &record);
        }
        let issued = IssuedTokens { access_token, refresh_token, expires_in };
        (TokenPair { access, refresh }, issued)
    }
}
