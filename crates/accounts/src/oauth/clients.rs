//! The apps that registered here (client-server API, section "Client registration").

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pli_store::{Batch, Expect, Keyspace, Position, Record, Snapshot, Store, ambient::Ambient};
use serde::{Deserialize, Serialize};

use super::{ClientMetadata, OAuthErrorCode, budget::Budget};
use crate::{AccountsError, token};

/// client id → the client.
pub(crate) const OAUTH_CLIENTS: Keyspace<String, ClientRecord> = Keyspace::new("oauth_clients");

/// How long a registration is kept that nobody ever signed in with.
pub(crate) const UNUSED_CLIENT_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How many new kinds of client can register in an hour. Known ones always can.
const NEW_CLIENTS_PER_HOUR: u32 = 1_000;
/// How many bytes of the metadata's hash make the client's id.
const ID_BYTES: usize = 18;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ClientRecord {
    pub(crate) metadata: ClientMetadata,
    pub(crate) registered_ms: u64,
    /// When somebody signed in with it first. From then on it is kept.
    pub(crate) granted_ms: Option<u64>,
}

impl Record for ClientRecord {}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub client_id: String,
    /// What it says of itself.
    pub metadata: ClientMetadata,
    /// When it registered, in milliseconds since the Unix epoch.
    pub registered_ms: u64,
}

/// The clients.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    ambient: Ambient,
    budget: Budget,
}

impl Clients {
    /// The clients in a store.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient) -> Self {
        let budget = Budget::new(NEW_CLIENTS_PER_HOUR, Duration::from_secs(60 * 60));
        Self { store, ambient, budget }
    }

    /// Registers a client. The same metadata gives the same client: an app that is installed a
    /// thousand times is one row.
    ///
    /// # Errors
    /// [`AccountsError::LimitExceeded`] if too many kinds of client registered lately; when the
    /// store fails.
    pub async fn register(&self, metadata: ClientMetadata) -> Result<Client, AccountsError> {
        retry_on_conflict!(self.try_register(&metadata).await)
    }

    async fn try_register(&self, metadata: &ClientMetadata) -> Result<Client, AccountsError> {
        let now_ms = self.ambient.now_ms();
        let client_id = client_id(metadata);
        let snapshot = self.store.snapshot().await?;
        let known = snapshot.get_versioned(&OAUTH_CLIENTS, &client_id).await?;
        drop(snapshot);
        let mut batch = Batch::new();
        let registered_ms = match known {
            Some((record, version)) => {
                let is_fresh = now_ms < record.registered_ms.saturating_add(half_life_ms());
                if record.granted_ms.is_some() || is_fresh {
                    record.registered_ms
                } else {
                    // It must not be swept away while somebody signs in.
                    let record = ClientRecord { registered_ms: now_ms, ..record };
                    batch.require(&OAUTH_CLIENTS, &client_id, Expect::Version(version));
                    batch.put(&OAUTH_CLIENTS, &client_id, &record);
                    now_ms
                }
            }
            None => {
                self.budget.take(now_ms)?;
                let metadata = metadata.clone();
                let record = ClientRecord { metadata, registered_ms: now_ms, granted_ms: None };
                batch.require(&OAUTH_CLIENTS, &client_id, Expect::Absent);
                batch.put(&OAUTH_CLIENTS, &client_id, &record);
                now_ms
            }
        };
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(Client { client_id, metadata: metadata.clone(), registered_ms })
    }

    /// A client by its id.
    ///
    /// # Errors
    /// `invalid_client` if there is none; when the store fails.
    pub async fn get(&self, client_id: &str) -> Result<Client, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let (record, _) = client_at(&snapshot, client_id).await?;
        Ok(client(client_id, record))
    }
}

pub(super) fn client(client_id: &str, record: ClientRecord) -> Client {
    Client {
        client_id: client_id.to_owned(),
        metadata: record.metadata,
        registered_ms: record.registered_ms,
    }
}

pub(super) async fn client_at(
    snapshot: &Snapshot,
    client_id: &str,
) -> Result<(ClientRecord, Position), AccountsError> {
    let unknown = || {
        AccountsError::oauth(
            OAuthErrorCode::InvalidClient,
            "this client is not registered, or not any more: register it again",
        )
    };
    // No id is longer, and a key can't be of any length.
    if client_id.len() > 64 {
        return Err(unknown());
    }
    snapshot.get_versioned(&OAUTH_CLIENTS, client_id).await?.ok_or_else(unknown)
}

/// Notes, in the batch that gives out tokens, that a client is used: from then on it is kept.
pub(super) fn stage_use(
    batch: &mut Batch,
    client_id: &str,
    (record, version): (ClientRecord, Position),
    now_ms: u64,
) {
    if record.granted_ms.is_none() {
        batch.require(&OAUTH_CLIENTS, client_id, Expect::Version(version));
        batch.put(&OAUTH_CLIENTS, client_id, &ClientRecord { granted_ms: Some(now_ms), ..record });
    }
}

fn client_id(metadata: &ClientMetadata) -> String {
    // Texts, lists and a map with sorted keys can be written as JSON, and always in the same way.
    let text = serde_json::to_vec(metadata).unwrap_or_default();
    let hash = token::hash_parts([b"oauth client".as_slice(), &text]);
    URL_SAFE_NO_PAD.encode(&hash[..ID_BYTES])
}

fn half_life_ms() -> u64 {
    u64::try_from(UNUSED_CLIENT_LIFETIME.as_millis() / 2).unwrap_or(u64::MAX)
}
