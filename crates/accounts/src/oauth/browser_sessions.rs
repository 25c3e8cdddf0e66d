//! Who is signed in on the server's own pages. A browser holds a cookie; the store, its hash.

use std::time::Duration;

use pli_store::{Batch, Direction, Keyspace, Record, Snapshot, Store, ambient::Ambient};
use ruma::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    AccountsError, OAuthConfig,
    accounts::{PASSWORDS, USERS},
    token::{self, TokenHash, TokenKind},
    upstream::{UpstreamOrigin, Vouched},
};

/// hash of a cookie → the session.
pub(crate) const BROWSER_SESSIONS: Keyspace<TokenHash, BrowserSessionRecord> =
    Keyspace::new("browser_sessions");
/// user, hash of a cookie → nothing.
pub(crate) const BROWSER_SESSIONS_OF_USERS: Keyspace<(OwnedUserId, TokenHash), ()> =
    Keyspace::new("browser_sessions_of_users");

/// How many browsers somebody can be signed in with.
const MAX_SESSIONS: usize = 50;
/// For how long after signing in somebody may do what can't be undone.
const FRESH: Duration = Duration::from_secs(10 * 60);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BrowserSessionRecord {
    pub(crate) user_id: OwnedUserId,
    authenticated_ms: u64,
    pub(crate) expires_ms: u64,
    /// The session at a provider with which its owner came.
    #[serde(default)]
    origin: Option<UpstreamOrigin>,
    /// When its owner proved there who they are, if the provider says so.
    #[serde(default)]
    proved_ms: Option<u64>,
}

impl BrowserSessionRecord {
    /// When its owner proved who they are, as far as that is known.
    fn proved_ms(&self) -> Option<u64> {
        match self.origin {
            Some(_) => self.proved_ms,
            None => Some(self.authenticated_ms),
        }
    }
}

impl Record for BrowserSessionRecord {}

/// A browser in which somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    /// Who.
    pub user_id: OwnedUserId,
    /// Whether they did so just now, so that they may do what can't be undone.
    pub is_fresh: bool,
    /// The session at a provider with which they came; what follows from this session, ends with it.
    pub origin: Option<UpstreamOrigin>,
}

/// The browsers in which people are signed in.
#[derive(Clone)]
pub struct BrowserSessions {
    store: Store,
    ambient: Ambient,
    lifetime: Duration,
}

impl BrowserSessions {
    /// The sessions in a store.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient, config: &OAuthConfig) -> Self {
        Self { store, ambient, lifetime: config.browser_session_lifetime }
    }

    /// For how long a session lasts.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Opens a session for somebody who has just proved who they are, and returns the cookie's
    /// secret. The session before it in the same browser, if any, ends. For whom a provider vouches,
    /// it is as fresh as the provider says: without a word of when they proved who they are, it
    /// isn't at all.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open(
        &self,
        user_id: &UserId,
        replaced: Option<&str>,
        vouched: Option<Vouched<'_>>,
    ) -> Result<String, AccountsError> {
        let secret = token::generate(&self.ambient, TokenKind::Browser);
        let hash = token::hash(&secret);
        let now_ms = self.ambient.now_ms();
        let lifetime_ms = u64::try_from(self.lifetime.as_millis()).unwrap_or(u64::MAX);
        let record = BrowserSessionRecord {
            user_id: user_id.to_owned(),
            authenticated_ms: now_ms,
            expires_ms: now_ms.saturating_add(lifetime_ms),
            origin: vouched.map(|vouched| vouched.origin.clone()),
            proved_ms: vouched
                .and_then(|vouched| vouched.authenticated_ms)
                .map(|authenticated_ms| authenticated_ms.min(now_ms)),
        };
        let snapshot = self.store.snapshot().await?;
        let known = sessions_of(&snapshot, user_id).await?;
        let mut batch = Batch::new();
        if known.len() >= MAX_SESSIONS {
            let records = snapshot.get_many(&BROWSER_SESSIONS, &known).await?;
            let ages = known.iter().zip(records);
            let oldest = ages.min_by_key(|(_, record)| {
                record.as_ref().map_or(0, |(record, _)| record.authenticated_ms)
            });
            if let Some((oldest, _)) = oldest {
                stage_end(&mut batch, user_id, *oldest);
            }
        }
        if let Some(replaced) = replaced {
            stage_end_of(&snapshot, &mut batch, token::hash(replaced)).await?;
        }
        drop(snapshot);
        batch.put(&BROWSER_SESSIONS, hash, &record).put(
            &BROWSER_SESSIONS_OF_USERS,
            (user_id, hash),
            &(),
        );
        self.store.commit(batch).await?;
        Ok(secret)
    }

    /// The session that a cookie stands for, if it still does: not once it has expired, the account
    /// is deactivated or locked, the password changed, or the session at the provider ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, secret: &str) -> Result<Option<BrowserSession>, AccountsError> {
        let now_ms = self.ambient.now_ms();
        let snapshot = self.store.snapshot().await?;
        let Some(record) = snapshot.get(&BROWSER_SESSIONS, token::hash(secret)).await? else {
            return Ok(None);
        };
        let user = snapshot.get(&USERS, &record.user_id).await?;
        let is_active =
            user.is_some_and(|user| user.deactivated_ms.is_none() && !user.standing.locked);
        let password = snapshot.get(&PASSWORDS, &record.user_id).await?;
        let is_outdated =
            password.is_some_and(|password| password.changed_ms > record.authenticated_ms);
        if record.expires_ms <= now_ms || !is_active || is_outdated {
            return Ok(None);
        }
        if let Some(origin) = &record.origin
            && !origin.is_current_at(&snapshot).await?
        {
            return Ok(None);
        }
        let fresh_ms = u64::try_from(FRESH.as_millis()).unwrap_or(u64::MAX);
        let is_fresh =
            record.proved_ms().is_some_and(|proved_ms| now_ms < proved_ms.saturating_add(fresh_ms));
        Ok(Some(BrowserSession { user_id: record.user_id, is_fresh, origin: record.origin }))
    }

    /// Ends a session. One that is not there is fine.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, secret: &str) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        stage_end_of(&snapshot, &mut batch, token::hash(secret)).await?;
        drop(snapshot);
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_all(&self, user_id: &UserId) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        for hash in sessions_of(&snapshot, user_id).await? {
            stage_end(&mut batch, user_id, hash);
        }
        drop(snapshot);
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(())
    }
}

async fn sessions_of(
    snapshot: &Snapshot,
    user_id: &UserId,
) -> Result<Vec<TokenHash>, AccountsError> {
    let range = BROWSER_SESSIONS_OF_USERS.prefix((user_id,));
    // A few more than allowed, where two browsers signed in at once.
    let limit = MAX_SESSIONS * 2;
    let rows = snapshot.scan(&BROWSER_SESSIONS_OF_USERS, range, limit, Direction::Forward).await?;
    Ok(rows.into_iter().map(|row| row.key.1).collect())
}

async fn stage_end_of(
    snapshot: &Snapshot,
    batch: &mut Batch,
    hash: TokenHash,
) -> Result<(), AccountsError> {
    if let Some(record) = snapshot.get(&BROWSER_SESSIONS, hash).await? {
        stage_end(batch, &record.user_id, hash);
    }
    Ok(())
}

/// Ends a session, in a batch that does more.
pub(crate) fn stage_end(batch: &mut Batch, user_id: &UserId, hash: TokenHash) {
    batch.delete(&BROWSER_SESSIONS, hash).delete(&BROWSER_SESSIONS_OF_USERS, (user_id, hash));
}
