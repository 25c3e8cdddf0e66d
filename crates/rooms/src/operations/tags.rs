use pli_accounts::AccountData;
use pli_store::Batch;
use ruma::{RoomId, UserId};
use serde_json::{Map, Value, json, value::to_raw_value};

use crate::{Rooms, error::RoomError};

/// The longest name of a tag, in bytes.
const MAX_TAG_BYTES: usize = 255;
/// The account data that holds a room's tags.
const TAGS: &str = "m.tag";
/// How often a change is tried again when the user changes other tags at the same time.
const MOST_ATTEMPTS: usize = 8;

impl Rooms {
    /// The tags that a user gave to a room: their names and what they hold.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tags(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<Map<String, Value>, RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let data = AccountData::get_at(&snapshot, user_id, Some(room_id), TAGS).await?;
        Ok(data.map(|data| tags_in(data.content.get())).unwrap_or_default())
    }

    /// Gives a room a tag (`None`: takes it away).
    ///
    /// # Errors
    /// [`RoomError::InvalidParam`] if the name is too long; when the store fails.
    pub async fn set_tag(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        tag: &str,
        info: Option<Value>,
    ) -> Result<(), RoomError> {
        if tag.len() > MAX_TAG_BYTES {
            return Err(RoomError::InvalidParam(format!(
                "a tag's name can have at most {MAX_TAG_BYTES} bytes"
            )));
        }
        for _ in 0..MOST_ATTEMPTS {
            match self.try_set_tag(user_id, room_id, tag, info.clone()).await {
                Err(RoomError::Busy) => {}
                outcome => return outcome,
            }
        }
        Err(RoomError::Busy)
    }

    async fn try_set_tag(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        tag: &str,
        info: Option<Value>,
    ) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let data = AccountData::get_at(&snapshot, user_id, Some(room_id), TAGS).await?;
        let mut tags = data.map(|data| tags_in(data.content.get())).unwrap_or_default();
        let before = tags.clone();
        match info {
            Some(info) => {
                tags.insert(tag.to_owned(), info);
            }
            None => {
                tags.remove(tag);
            }
        }
        if tags == before {
            return Ok(());
        }
        let content = to_raw_value(&json!({ "tags": tags }))
            .map_err(|error| RoomError::BadContent(error.to_string()))?;
        let mut batch = Batch::new();
        AccountData::stage(&snapshot, &mut batch, user_id, Some(room_id), TAGS, &content).await?;
        drop(snapshot);
        self.inner.store.commit(batch).await?;
        Ok(())
    }
}

fn tags_in(content: &str) -> Map<String, Value> {
    let content: Value = serde_json::from_str(content).unwrap_or_default();
    content.get("tags").and_then(Value::as_object).cloned().unwrap_or_default()
}
