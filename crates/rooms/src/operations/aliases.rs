use pli_events::Pdu;
use pli_store::{Batch, CommitError, Direction, Expect, Snapshot};
use ruma::{
    OwnedRoomAliasId, OwnedRoomId, RoomAliasId, RoomId, UserId,
    events::{StateEventType, TimelineEventType},
};
use serde_json::Value;

use super::SetState;
use crate::{
    Rooms,
    error::RoomError,
    keyspaces::{ALIAS, ROOM_ALIAS, ROOM_HEAD},
    rows::AliasRow,
};

/// How many aliases a room can have.
const MOST_ALIASES: usize = 1000;

impl Rooms {
    /// The room that an alias points to.
    ///
    /// # Errors
    /// [`RoomError::UnknownAlias`]; when the store fails.
    pub async fn resolve_alias(&self, alias: &RoomAliasId) -> Result<OwnedRoomId, RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let row = snapshot.get(&ALIAS, alias).await?;
        let unknown = || RoomError::UnknownAlias(alias.to_owned());
        Ok(row.ok_or_else(unknown)?.room_id)
    }

    /// The aliases of this server that point to a room, for whoever needs no permission to know them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn local_aliases(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
    ) -> Result<Vec<OwnedRoomAliasId>, RoomError> {
        let range = ROOM_ALIAS.prefix((room_id,));
        let rows = snapshot.scan(&ROOM_ALIAS, range, MOST_ALIASES, Direction::Forward).await?;
        Ok(rows.into_iter().map(|row| row.key.1).collect())
    }

    /// Makes an alias of this server point to a room that the user is in.
    ///
    /// # Errors
    /// [`RoomError::InvalidParam`] for another server's alias, [`RoomError::AliasInUse`],
    /// [`RoomError::UnknownRoom`], [`RoomError::Forbidden`]; when the store fails.
    pub async fn add_alias(
        &self,
        user_id: &UserId,
        alias: &RoomAliasId,
        room_id: &RoomId,
    ) -> Result<(), RoomError> {
        if alias.server_name() != self.inner.config.server_name {
            return Err(RoomError::InvalidParam(format!(
                "only aliases that end with :{} can be made here",
                self.inner.config.server_name
            )));
        }
        let snapshot = self.inner.store.snapshot().await?;
        if snapshot.get(&ROOM_HEAD, room_id).await?.is_none() {
            return Err(RoomError::UnknownRoom(room_id.to_owned()));
        }
        if !self.is_joined(&snapshot, user_id, room_id).await? {
            return Err(RoomError::Forbidden("you are not in this room".to_owned()));
        }
        let range = ROOM_ALIAS.prefix((room_id,));
        let known = snapshot.scan(&ROOM_ALIAS, range, MOST_ALIASES, Direction::Forward).await?;
        if known.len() >= MOST_ALIASES {
            return Err(RoomError::InvalidParam("the room has too many aliases".to_owned()));
        }
        drop(snapshot);
        let row = AliasRow { room_id: room_id.to_owned(), creator: user_id.to_owned() };
        let mut batch = Batch::new();
        batch.require(&ALIAS, alias, Expect::Absent).put(&ALIAS, alias, &row).put(
            &ROOM_ALIAS,
            (room_id, alias),
            &(),
        );
        match self.inner.store.commit(batch).await {
            Err(CommitError::Conflict(_)) => Err(RoomError::AliasInUse(alias.to_owned())),
            outcome => outcome.map(|_| ()).map_err(Into::into),
        }
    }

    /// Takes an alias away: its maker may, and whoever may set the room's main alias. If it is named
    /// as one of the room's aliases and the user may change that, it is taken out there too.
    ///
    /// # Errors
    /// [`RoomError::UnknownAlias`], [`RoomError::Forbidden`]; when the store fails.
    pub async fn remove_alias(
        &self,
        user_id: &UserId,
        alias: &RoomAliasId,
    ) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let row = snapshot.get_versioned(&ALIAS, alias).await?;
        let unknown = || RoomError::UnknownAlias(alias.to_owned());
        let (row, version) = row.ok_or_else(unknown)?;
        let room_id = row.room_id;
        let levels = self.power_levels(&snapshot, &room_id).await?;
        let is_joined = self.is_joined(&snapshot, user_id, &room_id).await?;
        let canonical = TimelineEventType::RoomCanonicalAlias;
        let may_change_room = is_joined && levels.allows_to_send(user_id, &canonical, Some(""));
        if row.creator != user_id && !may_change_room {
            return Err(RoomError::Forbidden(
                "only the person who made this alias and the room's moderators may remove it"
                    .to_owned(),
            ));
        }
        let root = self.current_state_root(&snapshot, &room_id).await?;
        let event =
            self.state_event(&snapshot, root, &StateEventType::RoomCanonicalAlias, "").await?;
        drop(snapshot);

        let mut batch = Batch::new();
        batch
            .require(&ALIAS, alias, Expect::Version(version))
            .delete(&ALIAS, alias)
            .delete(&ROOM_ALIAS, (&room_id, alias));
        self.inner.store.commit(batch).await?;

        let without = event.and_then(|event| aliases_without(&event.pdu, alias));
        if let Some(content) = without.filter(|_| may_change_room) {
            let content = serde_json::value::to_raw_value(&content)
                .map_err(|error| RoomError::BadContent(error.to_string()))?;
            self.set_state(SetState {
                sender: user_id.to_owned(),
                room_id,
                event_type: StateEventType::RoomCanonicalAlias,
                state_key: String::new(),
                content,
                timestamp: None,
                sticky: None,
            })
            .await?;
        }
        Ok(())
    }

    /// The aliases of this server that point to a room, for whoever may see the room.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`]; when the store fails.
    pub async fn aliases(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<Vec<OwnedRoomAliasId>, RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let view = self.view(&snapshot, user_id, room_id).await?;
        if !view.is_current {
            return Err(RoomError::Forbidden("you are not in this room".to_owned()));
        }
        let range = ROOM_ALIAS.prefix((room_id,));
        let rows = snapshot.scan(&ROOM_ALIAS, range, MOST_ALIASES, Direction::Forward).await?;
        Ok(rows.into_iter().map(|row| row.key.1).collect())
    }
}

/// The content of an `m.room.canonical_alias` event without an alias; `None` if it isn't in there.
fn aliases_without(event: &Pdu, alias: &RoomAliasId) -> Option<Value> {
    let mut content: Value = event.content_as().ok()?;
    let fields = content.as_object_mut()?;
    let mut is_changed = false;
    if fields.get("alias").and_then(Value::as_str) == Some(alias.as_str()) {
        fields.remove("alias");
        is_changed = true;
    }
    if let Some(Value::Array(others)) = fields.get_mut("alt_aliases") {
        let before = others.len();
        others.retain(|other| other.as_str() != Some(alias.as_str()));
        is_changed |= others.len() < before;
    }
    is_changed.then_some(content)
}
