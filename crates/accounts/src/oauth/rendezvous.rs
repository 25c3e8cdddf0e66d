//! Where two devices meet, of which one signs the other in by a QR code (MSC4108, MSC4388): a small
//! text that either of them reads and replaces. What it says is encrypted between them.

use std::time::Duration;

use pli_store::{Batch, Expect, Keyspace, Position, Record, Store, ambient::Ambient};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::budget::Budget;
use crate::{
    AccountsError,
    token::{self, TokenHash},
};

/// hash of a rendezvous' id → what lies there.
pub(crate) const RENDEZVOUS: Keyspace<TokenHash, RendezvousRecord> = Keyspace::new("rendezvous");

/// How long a rendezvous lasts: MSC4388 asks for two to five minutes.
pub const RENDEZVOUS_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How much fits, in bytes.
pub const MAX_RENDEZVOUS_BYTES: usize = 4_096;
/// How many devices can be waiting at once, roughly.
const MAX_WAITING: u32 = 5_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RendezvousRecord {
    data: String,
    sequence_token: String,
    modified_ms: u64,
    pub(crate) expires_ms: u64,
}

impl Record for RendezvousRecord {}

/// Which version of the text lies at a rendezvous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RendezvousState {
    /// Changes with every write.
    pub sequence_token: String,
    /// When it was written last, in milliseconds since the Unix epoch.
    pub modified_ms: u64,
    /// When it ends.
    pub expires_ms: u64,
    /// How long that is from now.
    pub expires_in: Duration,
}

/// What lies at a rendezvous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RendezvousContent {
    /// The text.
    pub data: String,
    /// Its version.
    pub state: RendezvousState,
}

/// Where devices meet.
#[derive(Clone)]
pub struct Rendezvous {
    store: Store,
    ambient: Ambient,
    budget: Budget,
}

impl Rendezvous {
    /// The rendezvous in a store.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient) -> Self {
        Self { store, ambient, budget: Budget::new(MAX_WAITING, RENDEZVOUS_LIFETIME) }
    }

    /// Opens a rendezvous and returns its id.
    ///
    /// # Errors
    /// [`AccountsError::TooLarge`], [`AccountsError::LimitExceeded`]; when the store fails.
    pub async fn create(&self, data: String) -> Result<(String, RendezvousState), AccountsError> {
        check_size(&data)?;
        let now_ms = self.ambient.now_ms();
        self.budget.take(now_ms)?;
        let id = self.ambient.random_string(32);
        let lifetime_ms = u64::try_from(RENDEZVOUS_LIFETIME.as_millis()).unwrap_or(u64::MAX);
        let record = RendezvousRecord {
            data,
            sequence_token: self.ambient.random_string(20),
            modified_ms: now_ms,
            expires_ms: now_ms.saturating_add(lifetime_ms),
        };
        let mut batch = Batch::new();
        batch.put(&RENDEZVOUS, token::hash(&id), &record);
        self.store.commit(batch).await?;
        Ok((id, state(&record, now_ms)))
    }

    /// What lies at a rendezvous.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if it has ended; when the store fails.
    pub async fn get(&self, id: &str) -> Result<RendezvousContent, AccountsError> {
        let (record, _) = self.find(id).await?;
        let state = state(&record, self.ambient.now_ms());
        Ok(RendezvousContent { data: record.data, state })
    }

    /// Replaces what lies at a rendezvous, if it is what the caller saw. The same text once more is
    /// a request whose answer got lost.
    ///
    /// # Errors
    /// [`AccountsError::ConcurrentWrite`] with the version that lies there,
    /// [`AccountsError::NotFound`], [`AccountsError::TooLarge`]; when the store fails.
    pub async fn update(
        &self,
        id: &str,
        sequence_token: &str,
        data: String,
    ) -> Result<RendezvousState, AccountsError> {
        check_size(&data)?;
        retry_on_conflict!(self.try_update(id, sequence_token, &data).await)
    }

    async fn try_update(
        &self,
        id: &str,
        sequence_token: &str,
        data: &str,
    ) -> Result<RendezvousState, AccountsError> {
        let (mut record, version) = self.find(id).await?;
        let now_ms = self.ambient.now_ms();
        let is_current: bool =
            record.sequence_token.as_bytes().ct_eq(sequence_token.as_bytes()).into();
        if !is_current {
            let state = state(&record, now_ms);
            if record.data == data {
                return Ok(state);
            }
            return Err(AccountsError::ConcurrentWrite(Box::new(state)));
        }
        record.data = data.to_owned();
        record.sequence_token = self.ambient.random_string(20);
        record.modified_ms = now_ms;
        let hash = token::hash(id);
        let mut batch = Batch::new();
        batch.require(&RENDEZVOUS, hash, Expect::Version(version));
        batch.put(&RENDEZVOUS, hash, &record);
        self.store.commit(batch).await?;
        Ok(state(&record, now_ms))
    }

    /// Ends a rendezvous.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if it has ended already; when the store fails.
    pub async fn end(&self, id: &str) -> Result<(), AccountsError> {
        self.find(id).await?;
        let mut batch = Batch::new();
        batch.delete(&RENDEZVOUS, token::hash(id));
        self.store.commit(batch).await?;
        Ok(())
    }

    async fn find(&self, id: &str) -> Result<(RendezvousRecord, Position), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let found = snapshot.get_versioned(&RENDEZVOUS, token::hash(id)).await?;
        let now_ms = self.ambient.now_ms();
        found
            .filter(|(record, _)| record.expires_ms > now_ms)
            .ok_or_else(|| AccountsError::not_found("nobody waits here any more: start again"))
    }
}

fn state(record: &RendezvousRecord, now_ms: u64) -> RendezvousState {
    RendezvousState {
        sequence_token: record.sequence_token.clone(),
        modified_ms: record.modified_ms,
        expires_ms: record.expires_ms,
        expires_in: Duration::from_millis(record.expires_ms.saturating_sub(now_ms)),
    }
}

fn check_size(data: &str) -> Result<(), AccountsError> {
    if data.len() > MAX_RENDEZVOUS_BYTES {
        return Err(AccountsError::TooLarge(
            format!("at most {MAX_RENDEZVOUS_BYTES} bytes fit here").into(),
        ));
    }
    Ok(())
}
