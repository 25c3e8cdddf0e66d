//! Tidying up what has expired: confirmations, authentication sessions, login tokens, and what OAuth
//! 2.0 hands out.

use std::time::Duration;

use pli_store::{Batch, Direction, Expect, Key, Keyspace, Row, Store, Value, ambient::Ambient};

use crate::{
    AccountsError,
    backup::KeyBackup,
    login::LOGIN_TOKENS,
    oauth,
    uia::{CROSS_SIGNING_RESETS, UIA_SESSIONS},
    upstream,
    validation::{self, VALIDATIONS},
};

/// How often expired rows are looked for.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How many rows are read at once.
const PAGE: usize = 500;

/// Removes rows that nobody can use any more. They are refused anyway; this only frees space.
#[derive(Clone)]
pub struct Housekeeping {
    store: Store,
    ambient: Ambient,
}

impl Housekeeping {
    /// Tidies up this store.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient) -> Self {
        Self { store, ambient }
    }

    /// Tidies up every hour, until the future is dropped.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::error!(%error, "expired rows could not be removed");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Removes everything that has expired, and finishes what was only begun to be deleted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sweep(&self) -> Result<(), AccountsError> {
        let now_ms = self.ambient.now_ms();
        self.sweep_keyspace(&VALIDATIONS, |batch, row| {
            if row.value.expires_ms <= now_ms {
                validation::stage_expiry(batch, &row.key, &row.value);
            }
        })
        .await?;
        self.sweep_keyspace(&UIA_SESSIONS, |batch, row| {
            if row.value.expires_ms <= now_ms {
                batch.delete(&UIA_SESSIONS, &row.key);
            }
        })
        .await?;
        self.sweep_keyspace(&LOGIN_TOKENS, |batch, row| {
            if row.value.expires_ms <= now_ms {
                batch.delete(&LOGIN_TOKENS, row.key);
            }
        })
        .await?;
        self.sweep_oauth(now_ms).await?;
        self.sweep_upstream(now_ms).await?;
        KeyBackup::new(self.store.clone()).resume_purges().await
    }

    async fn sweep_oauth(&self, now_ms: u64) -> Result<(), AccountsError> {
        use oauth::{
            BROWSER_SESSIONS, OAUTH_CLIENTS, OAUTH_CODES, OAUTH_DEVICE_CODES, OAUTH_USER_CODES,
            RENDEZVOUS,
        };
        self.sweep_keyspace(&CROSS_SIGNING_RESETS, |batch, row| {
            if row.value.expires_ms <= now_ms {
                batch.delete(&CROSS_SIGNING_RESETS, &row.key);
            }
        })
        .await?;
        self.sweep_keyspace(&OAUTH_CODES, |batch, row| {
            if row.value.expires_ms <= now_ms {
                batch.delete(&OAUTH_CODES, row.key);
            }
        })
        .await?;
        self.sweep_keyspace(&OAUTH_DEVICE_CODES, |batch, row| {
            if row.value.expires_ms <= now_ms {
                batch.delete(&OAUTH_DEVICE_CODES, row.key);
                batch.delete(&OAUTH_USER_CODES, row.value.user_code);
            }
        })
        .await?;
        self.sweep_keyspace(&BROWSER_SESSIONS, |batch, row| {
            if row.value.expires_ms <= now_ms {
                oauth::stage_browser_session_end(batch, &row.value.user_id, row.key);
            }
        })
        .await?;
        self.sweep_keyspace(&RENDEZVOUS, |batch, row| {
            if row.value.expires_ms <= now_ms {
                batch.delete(&RENDEZVOUS, row.key);
            }
        })
        .await?;
        let unused_ms =
            u64::try_from(oauth::UNUSED_CLIENT_LIFETIME.as_millis()).unwrap_or(u64::MAX);
        self.sweep_keyspace(&OAUTH_CLIENTS, |batch, row| {
            let is_old = row.value.registered_ms.saturating_add(unused_ms) <= now_ms;
            // A client that somebody signed in with is kept: it has sessions.
            if is_old && row.value.granted_ms.is_none() {
                batch
                    .require(&OAUTH_CLIENTS, &row.key, Expect::Version(row.version))
                    .delete(&OAUTH_CLIENTS, &row.key);
            }
        })
        .await
    }

    async fn sweep_upstream(&self, now_ms: u64) -> Result<(), AccountsError> {
        use upstream::{
            UPSTREAM_LOGOUTS, UPSTREAM_SESSION_MEMORY, UPSTREAM_SESSIONS, UPSTREAM_STATES,
        };
        self.sweep_keyspace(&UPSTREAM_STATES, |batch, row| {
            if row.value.expires_ms <= now_ms {
                batch.delete(&UPSTREAM_STATES, row.key);
            }
        })
        .await?;
        self.sweep_keyspace(&UPSTREAM_LOGOUTS, |batch, row| {
            if row.value.expires_ms <= now_ms {
                batch.delete(&UPSTREAM_LOGOUTS, &row.key);
            }
        })
        .await?;
        let memory_ms = u64::try_from(UPSTREAM_SESSION_MEMORY.as_millis()).unwrap_or(u64::MAX);
        self.sweep_keyspace(&UPSTREAM_SESSIONS, |batch, row| {
            if row.value.opened_ms.saturating_add(memory_ms) <= now_ms {
                batch
                    .require(&UPSTREAM_SESSIONS, &row.key, Expect::Version(row.version))
                    .delete(&UPSTREAM_SESSIONS, &row.key);
            }
        })
        .await
    }

    async fn sweep_keyspace<K: Key, V: Value>(
        &self,
        keyspace: &Keyspace<K, V>,
        stage: impl Fn(&mut Batch, &Row<K, V>),
    ) -> Result<(), AccountsError> {
        let mut range = keyspace.all();
        loop {
            let snapshot = self.store.snapshot().await?;
            let rows = snapshot.scan(keyspace, range, PAGE, Direction::Forward).await?;
            drop(snapshot);
            let mut batch = Batch::new();
            for row in &rows {
                stage(&mut batch, row);
            }
            if !batch.is_empty() {
                self.store.commit(batch).await?;
            }
            match rows.last() {
                Some(last) if rows.len() == PAGE => range = keyspace.all().after(&last.key),
                _ => return Ok(()),
            }
        }
    }
}
