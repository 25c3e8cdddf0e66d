//! OpenID tokens: how somebody proves to a third party who they are, without giving it access to
//! their account (client-server API, section "OpenID").

use std::time::Duration;

use pli_store::{Batch, Direction, Keyspace, Record, Store, ambient::Ambient};
use ruma::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Accounts, AccountsError,
    token::{self, TokenHash, TokenKind},
};

/// user, hash of the token → until when it is good.
pub(crate) const OPENID_TOKENS: Keyspace<(OwnedUserId, TokenHash), OpenIdRecord> =
    Keyspace::new("openid_tokens");

/// For how long a token is good.
pub const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// How many tokens a user has at a time; with more, the oldest end early.
const MAX_TOKENS: usize = 50;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OpenIdRecord {
    /// In milliseconds since the Unix epoch.
    expires_ms: u64,
}

impl Record for OpenIdRecord {}

/// The OpenID tokens of the users of this server. Cheap to clone.
#[derive(Clone)]
pub struct OpenIdTokens {
    store: Store,
    ambient: Ambient,
}

impl OpenIdTokens {
    /// The tokens in a store.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient) -> Self {
        Self { store, ambient }
    }

    /// Makes a token that proves to whoever is given it that it comes from this user. What of theirs
    /// has expired is removed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn issue(&self, user_id: &UserId) -> Result<String, AccountsError> {
        let now_ms = self.ambient.now_ms();
        let snapshot = self.store.snapshot().await?;
        let range = OPENID_TOKENS.prefix((user_id,));
        let mut rows =
            snapshot.scan(&OPENID_TOKENS, range, 2 * MAX_TOKENS, Direction::Forward).await?;
        drop(snapshot);
        let mut batch = Batch::new();
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.value.expires_ms));
        for (place, row) in rows.iter().enumerate() {
            if place + 1 >= MAX_TOKENS || row.value.expires_ms <= now_ms {
                batch.delete(&OPENID_TOKENS, (user_id, row.key.1));
            }
        }
        // Whom it belongs to is said in it, so that it can be looked up.
        let secret = token::generate(&self.ambient, TokenKind::OpenId);
        let token = format!("{secret}.{user_id}");
        let lifetime_ms = u64::try_from(LIFETIME.as_millis()).unwrap_or(u64::MAX);
        let record = OpenIdRecord { expires_ms: now_ms.saturating_add(lifetime_ms) };
        batch.put(&OPENID_TOKENS, (user_id, token::hash(&token)), &record);
        self.store.commit(batch).await?;
        Ok(token)
    }

    /// Whom a token proves to be its bearer; `None` if it isn't good (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn bearer(&self, token: &str) -> Result<Option<OwnedUserId>, AccountsError> {
        let user_id = token.split_once('.').and_then(|(_, user_id)| UserId::parse(user_id).ok());
        let Some(user_id) = user_id else { return Ok(None) };
        let snapshot = self.store.snapshot().await?;
        let record = snapshot.get(&OPENID_TOKENS, (&user_id, token::hash(token))).await?;
        let is_good = record.is_some_and(|record| record.expires_ms > self.ambient.now_ms());
        let is_active = is_good && Accounts::is_active_at(&snapshot, &user_id).await?;
        Ok(is_active.then_some(user_id))
    }
}
