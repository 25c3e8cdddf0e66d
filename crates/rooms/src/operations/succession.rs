//! What people take along when a room is replaced by another one.

use pli_accounts::AccountData;
use pli_store::{Batch, Snapshot};
use ruma::{OwnedRoomId, RoomId, UserId};
use serde::Deserialize;
use serde_json::{Value, value::to_raw_value};

use crate::{Rooms, error::RoomError};

/// How often it is tried again when the user changes their account data at the same time.
const MOST_ATTEMPTS: usize = 8;

impl Rooms {
    /// Gives somebody who came into a room what they had set for the room that it replaces: push
    /// rules, tags, and whether it is a direct conversation. What they have set already stays.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn take_along(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<(), RoomError> {
        for _ in 0..MOST_ATTEMPTS {
            match self.try_take_along(user_id, room_id).await {
                Err(RoomError::Busy) => {}
                outcome => return outcome,
            }
        }
        Err(RoomError::Busy)
    }

    /// The same, where it is no reason to fail if it can't be done.
    pub(crate) async fn take_along_if_possible(&self, user_id: &UserId, room_id: &RoomId) {
        if let Err(error) = self.take_along(user_id, room_id).await {
            tracing::warn!(%error, "the settings of a replaced room could not be taken along");
        }
    }

    async fn try_take_along(&self, user_id: &UserId, room_id: &RoomId) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let Some(predecessor) = self.predecessor(&snapshot, room_id).await? else {
            return Ok(());
        };
        let mut batch = Batch::new();
        for (of_room, event_type, change) in [
            (None, "m.push_rules", with_push_rule as Change),
            (None, "m.direct", with_direct as Change),
        ] {
            let data = AccountData::get_at(&snapshot, user_id, of_room, event_type).await?;
            let content = data.and_then(|data| serde_json::from_str(data.content.get()).ok());
            let changed = content.and_then(|content| change(content, &predecessor, room_id));
            if let Some(changed) = changed {
                let changed = to_raw_value(&changed)
                    .map_err(|error| RoomError::BadContent(error.to_string()))?;
                AccountData::stage(&snapshot, &mut batch, user_id, None, event_type, &changed)
                    .await?;
            }
        }
        let tags = AccountData::get_at(&snapshot, user_id, Some(room_id), "m.tag").await?;
        let old_tags = AccountData::get_at(&snapshot, user_id, Some(&predecessor), "m.tag").await?;
        if let (None, Some(old_tags)) = (tags, old_tags) {
            let content = &old_tags.content;
            AccountData::stage(&snapshot, &mut batch, user_id, Some(room_id), "m.tag", content)
                .await?;
        }
        drop(snapshot);
        if !batch.is_empty() {
            self.inner.store.commit(batch).await?;
        }
        Ok(())
    }

    /// The room that a room says it replaces.
    async fn predecessor(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
    ) -> Result<Option<OwnedRoomId>, RoomError> {
        #[derive(Deserialize)]
        struct Content {
            predecessor: Option<Predecessor>,
        }
        #[derive(Deserialize)]
        struct Predecessor {
            room_id: OwnedRoomId,
        }
        let Some((head, _)) = self.head(snapshot, room_id).await? else { return Ok(None) };
        let create = self.event(snapshot, &head.create_event_id).await?;
        let content = create.and_then(|create| create.pdu.content_as::<Content>().ok());
        let predecessor = content.and_then(|content| content.predecessor);
        Ok(predecessor.map(|predecessor| predecessor.room_id).filter(|old| old != room_id))
    }
}

/// A piece of account data that treats a new room like an old one; `None` if nothing changes.
type Change = fn(Value, &RoomId, &RoomId) -> Option<Value>;

fn with_push_rule(mut content: Value, old: &RoomId, new: &RoomId) -> Option<Value> {
    let rules = content.get_mut("global")?.get_mut("room")?.as_array_mut()?;
    let is_for = |rule: &Value, room_id: &RoomId| {
        rule.get("rule_id").and_then(Value::as_str) == Some(room_id.as_str())
    };
    if rules.iter().any(|rule| is_for(rule, new)) {
        return None;
    }
    let mut rule = rules.iter().find(|rule| is_for(rule, old))?.clone();
    rule["rule_id"] = new.as_str().into();
    rules.push(rule);
    Some(content)
}

fn with_direct(mut content: Value, old: &RoomId, new: &RoomId) -> Option<Value> {
    let mut is_changed = false;
    for rooms in content.as_object_mut()?.values_mut().filter_map(Value::as_array_mut) {
        let has =
            |room_id: &RoomId| rooms.iter().any(|room| room.as_str() == Some(room_id.as_str()));
        if has(old) && !has(new) {
            rooms.push(new.as_str().into());
            is_changed = true;
        }
    }
    is_changed.then_some(content)
}
