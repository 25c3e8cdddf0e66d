//! Filters that clients store (client-server API, section "Filtering").

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pli_store::{Batch, Keyspace, Snapshot, Store};
use quick_cache::sync::Cache;
use ruma::{OwnedUserId, UserId, api::client::filter::FilterDefinition};

use crate::{AccountsError, keys::delete_all, token};

/// user, filter id → the filter as JSON text.
pub(crate) const FILTERS: Keyspace<(OwnedUserId, String), String> = Keyspace::new("filters");

/// The greatest size of a filter as JSON, in bytes.
const MAX_SIZE: usize = 64 * 1024;
/// How many filters are kept parsed in memory.
const CACHE_SIZE: usize = 10_000;

/// The filters of the users of this server.
#[derive(Clone)]
pub struct Filters {
    store: Store,
    /// Filters never change, so this needs no invalidation.
    cache: Arc<Cache<(OwnedUserId, String), Arc<FilterDefinition>>>,
}

impl Filters {
    /// The filters in a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, cache: Arc::new(Cache::new(CACHE_SIZE)) }
    }

    /// Stores a filter and returns its id. The same filter always gets the same id.
    ///
    /// # Errors
    /// [`AccountsError::TooLarge`]; when the store fails.
    pub async fn create(
        &self,
        user_id: &UserId,
        filter: &FilterDefinition,
    ) -> Result<String, AccountsError> {
        let text = serde_json::to_string(filter)
            .map_err(|error| AccountsError::BadJson(error.to_string().into()))?;
        if text.len() > MAX_SIZE {
            return Err(AccountsError::TooLarge("a filter can have at most 64 KiB".into()));
        }
        let hash = token::hash(&text);
        let filter_id = URL_SAFE_NO_PAD.encode(&hash[..15]);
        let key = (user_id, filter_id.as_str());
        let known = self.store.snapshot().await?.get(&FILTERS, key).await?.is_some();
        if !known {
            let mut batch = Batch::new();
            batch.put(&FILTERS, key, &text);
            self.store.commit(batch).await?;
        }
        Ok(filter_id)
    }

    /// Removes all filters of a user, in a batch that does more. Those in memory are nobody's from
    /// then on.
    pub(crate) async fn stage_removal(
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
    ) -> Result<(), AccountsError> {
        Ok(delete_all(snapshot, batch, &FILTERS, (user_id,)).await?)
    }

    /// A filter by its id.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if the user has no such filter; when the store fails.
    pub async fn get(
        &self,
        user_id: &UserId,
        filter_id: &str,
    ) -> Result<Arc<FilterDefinition>, AccountsError> {
        let key = (user_id.to_owned(), filter_id.to_owned());
        if let Some(filter) = self.cache.get(&key) {
            return Ok(filter);
        }
        let text =
            self.store.snapshot().await?.get(&FILTERS, (user_id, filter_id)).await?.ok_or_else(
                || AccountsError::not_found("there is no such filter: create it again"),
            )?;
        let filter: FilterDefinition = serde_json::from_str(&text)
            .map_err(|error| AccountsError::BadJson(error.to_string().into()))?;
        let filter = Arc::new(filter);
        self.cache.insert(key, Arc::clone(&filter));
        Ok(filter)
    }
}
