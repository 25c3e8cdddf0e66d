//! Filters that clients store (client-server API, section "Filtering").

use std::{ops::Deref, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pli_store::{Batch, Keyspace, Snapshot, Store};
use quick_cache::sync::Cache;
use ruma::{
    OwnedUserId, UserId,
    api::client::filter::{EventFormat, FilterDefinition},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{AccountsError, keys::delete_all, token};

/// user, filter id → the filter as JSON text.
pub(crate) const FILTERS: Keyspace<(OwnedUserId, String), String> = Keyspace::new("filters");

/// The greatest size of a filter as JSON, in bytes.
const MAX_SIZE: usize = 64 * 1024;
/// How many fields of events a filter can ask for.
const MAX_FIELDS: usize = 100;
/// How many filters are kept parsed in memory.
const CACHE_SIZE: usize = 10_000;

/// A filter of what a client syncs: ruma's type, and what that doesn't know.
#[derive(Clone, Debug, Default)]
pub struct SyncFilter {
    definition: FilterDefinition,
    /// Which relations the timelines' events may have.
    pub timeline_relations: RelationFilter,
    /// Which relations state events may have.
    pub state_relations: RelationFilter,
}

impl Deref for SyncFilter {
    type Target = FilterDefinition;

    fn deref(&self) -> &FilterDefinition {
        &self.definition
    }
}

impl From<FilterDefinition> for SyncFilter {
    fn from(definition: FilterDefinition) -> Self {
        Self { definition, ..Self::default() }
    }
}

impl SyncFilter {
    /// A filter given as JSON.
    ///
    /// # Errors
    /// [`AccountsError::InvalidParam`] when it is not of the form of a filter, or asks for more than
    /// 100 fields of events one by one.
    pub fn from_json(json: &str) -> Result<Self, AccountsError> {
        #[derive(Default, Deserialize)]
        struct Extra {
            #[serde(default)]
            room: OfRooms,
        }
        #[derive(Default, Deserialize)]
        struct OfRooms {
            #[serde(default)]
            timeline: RelationFilter,
            #[serde(default)]
            state: RelationFilter,
        }
        let invalid = |error: serde_json::Error| {
            AccountsError::InvalidParam(format!("filter: {error}").into())
        };
        let definition: FilterDefinition = serde_json::from_str(json).map_err(invalid)?;
        if !matches!(definition.event_format, EventFormat::Client | EventFormat::Federation) {
            return Err(AccountsError::invalid_param("event_format: use `client` or `federation`"));
        }
        // Each field is looked for in every event that is told.
        if definition.event_fields.as_ref().is_some_and(|fields| fields.len() > MAX_FIELDS) {
            let message = "event_fields: name at most 100 fields, or leave it out to get them all";
            return Err(AccountsError::invalid_param(message));
        }
        let Extra { room } = serde_json::from_str(json).map_err(invalid)?;
        Ok(Self { definition, timeline_relations: room.timeline, state_relations: room.state })
    }
}

/// Which relations to other events a filter asks for (MSC3874). Ruma's filters don't know them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RelationFilter {
    rel_types: Option<Vec<String>>,
    not_rel_types: Option<Vec<String>>,
    #[serde(rename = "org.matrix.msc3874.rel_types")]
    unstable_rel_types: Option<Vec<String>>,
    #[serde(rename = "org.matrix.msc3874.not_rel_types")]
    unstable_not_rel_types: Option<Vec<String>>,
}

impl RelationFilter {
    /// What a filter in JSON says of relations.
    ///
    /// # Errors
    /// When it is not of the form of a filter.
    pub fn from_json(filter: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(filter)
    }

    /// Whether the filter says nothing of relations.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.included().is_none() && self.excluded().is_none()
    }

    /// Whether the filter lets an event of this relation, or of none, through. Only one that relates
    /// to another can be asked for; an exclusion lets those through that relate to none.
    #[must_use]
    pub fn allows(&self, rel_type: Option<&str>) -> bool {
        let is_in = |rel_types: &Vec<String>| {
            rel_type.is_some_and(|rel_type| rel_types.iter().any(|wanted| wanted == rel_type))
        };
        self.included().is_none_or(is_in) && !self.excluded().is_some_and(is_in)
    }

    fn included(&self) -> Option<&Vec<String>> {
        self.rel_types.as_ref().or(self.unstable_rel_types.as_ref())
    }

    fn excluded(&self) -> Option<&Vec<String>> {
        self.not_rel_types.as_ref().or(self.unstable_not_rel_types.as_ref())
    }
}

/// The filters of the users of this server.
#[derive(Clone)]
pub struct Filters {
    store: Store,
    /// Filters never change, so this needs no invalidation.
    cache: Arc<Cache<(OwnedUserId, String), Arc<SyncFilter>>>,
}

impl Filters {
    /// The filters in a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, cache: Arc::new(Cache::new(CACHE_SIZE)) }
    }

    /// Stores a filter given as JSON and returns its id. The same text always gets the same id.
    ///
    /// # Errors
    /// [`AccountsError::BadJson`] when it is not of the form of a filter;
    /// [`AccountsError::TooLarge`]; when the store fails.
    pub async fn create(&self, user_id: &UserId, text: String) -> Result<String, AccountsError> {
        SyncFilter::from_json(&text)
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
    ) -> Result<Arc<SyncFilter>, AccountsError> {
        let key = (user_id.to_owned(), filter_id.to_owned());
        if let Some(filter) = self.cache.get(&key) {
            return Ok(filter);
        }
        let filter = Arc::new(SyncFilter::from_json(self.json(user_id, filter_id).await?.get())?);
        self.cache.insert(key, Arc::clone(&filter));
        Ok(filter)
    }

    /// A filter by its id, as it was given.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if the user has no such filter; when the store fails.
    pub async fn json(
        &self,
        user_id: &UserId,
        filter_id: &str,
    ) -> Result<Box<RawValue>, AccountsError> {
        let text = self.store.snapshot().await?.get(&FILTERS, (user_id, filter_id)).await?;
        let text = text
            .ok_or_else(|| AccountsError::not_found("there is no such filter: create it again"))?;
        RawValue::from_string(text)
            .map_err(|error| AccountsError::BadJson(error.to_string().into()))
    }
}
