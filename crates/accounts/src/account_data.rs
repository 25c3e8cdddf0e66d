//! Account data: what clients keep about themselves, for all rooms or for one (client-server API,
//! section "Client config").

use pli_store::{
    Batch, Direction, Expect, Keyspace, Position, Range, Record, Snapshot, Stamp, Store, Touch,
};
use ruma::{DeviceId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{AccountsError, keys::delete_all};

/// user, room (empty: for all rooms), type → the content.
pub(crate) const ACCOUNT_DATA: Keyspace<(OwnedUserId, String, String), AccountDataRecord> =
    Keyspace::new("account_data");
/// user, stamp → what was changed there; only the last change of each (room, type) is kept.
pub(crate) const ACCOUNT_DATA_CHANGES: Keyspace<(OwnedUserId, Stamp), ChangedRecord> =
    Keyspace::new("account_data_changes");

/// The greatest size of one content as JSON, in bytes.
const MAX_CONTENT_SIZE: usize = 256 * 1024;
/// The greatest length of a type, in bytes.
const MAX_TYPE_LENGTH: usize = 255;
/// The content of what was deleted (MSC3391).
const DELETED: &str = "{}";
/// The types of what a device's owner wants of its notifications (MSC3890), before its id.
const OF_DEVICES: [&str; 2] =
    ["m.local_notification_settings.", "org.matrix.msc3890.local_notification_settings."];
/// How many rows are read at once.
const PAGE: usize = 500;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccountDataRecord {
    /// The content as JSON text.
    content: String,
    /// The index of this version's row among the changes; its position is the row's version.
    change_index: u16,
}

impl Record for AccountDataRecord {}

impl AccountDataRecord {
    /// Deleted account data stays as an empty object, which is what clients learn of the deletion.
    fn is_deleted(&self) -> bool {
        self.content == DELETED
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ChangedRecord {
    room: String,
    event_type: String,
}

impl Record for ChangedRecord {}

/// A piece of account data.
#[derive(Clone, Debug)]
pub struct AccountDataEvent {
    /// The room that it is about; `None`: all of them.
    pub room_id: Option<OwnedRoomId>,
    /// Its type.
    pub event_type: String,
    /// Its content.
    pub content: Box<RawValue>,
    /// The position at which it was written.
    pub position: Position,
}

/// The account data of the users of this server.
#[derive(Clone)]
pub struct AccountData {
    store: Store,
}

impl AccountData {
    /// The account data in a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// One piece of account data, for a room or for all (`None`).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(
        &self,
        user_id: &UserId,
        room_id: Option<&RoomId>,
        event_type: &str,
    ) -> Result<Option<AccountDataEvent>, AccountsError> {
        Self::get_at(&self.store.snapshot().await?, user_id, room_id, event_type).await
    }

    /// The same as [`Self::get`], as a snapshot sees it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get_at(
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: Option<&RoomId>,
        event_type: &str,
    ) -> Result<Option<AccountDataEvent>, AccountsError> {
        let room = room_key(room_id);
        let row = snapshot.get_versioned(&ACCOUNT_DATA, (user_id, room, event_type)).await?;
        row.filter(|(record, _)| !record.is_deleted())
            .map(|(record, version)| event(room, event_type.to_owned(), record, version))
            .transpose()
    }

    /// Deletes one piece of account data, for a room or for all (`None`). Deleting what isn't there
    /// changes nothing.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn delete(
        &self,
        user_id: &UserId,
        room_id: Option<&RoomId>,
        event_type: &str,
    ) -> Result<(), AccountsError> {
        self.put(user_id, room_id, event_type, &deleted()).await
    }

    /// Deletes what is kept for a device, in a batch that removes the device.
    pub(crate) async fn stage_device_removal(
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<(), AccountsError> {
        for prefix in OF_DEVICES {
            let event_type = format!("{prefix}{device_id}");
            Self::stage(snapshot, batch, user_id, None, &event_type, &deleted()).await?;
        }
        Ok(())
    }

    /// Removes all account data of a user, in a batch that does more.
    pub(crate) async fn stage_removal(
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
    ) -> Result<(), AccountsError> {
        delete_all(snapshot, batch, &ACCOUNT_DATA, (user_id,)).await?;
        delete_all(snapshot, batch, &ACCOUNT_DATA_CHANGES, (user_id,)).await?;
        Ok(())
    }

    /// Writes one piece of account data as a client asked for it. Writing what is there already
    /// changes nothing; writing an empty object deletes.
    ///
    /// # Errors
    /// [`AccountsError::ReservedType`] for types that other endpoints set, [`AccountsError::BadJson`]
    /// if the content isn't an object, [`AccountsError::TooLarge`] if it is too large; when the store
    /// fails.
    pub async fn put(
        &self,
        user_id: &UserId,
        room_id: Option<&RoomId>,
        event_type: &str,
        content: &RawValue,
    ) -> Result<(), AccountsError> {
        // The read marker and the push rules have endpoints of their own, which know their rules.
        if matches!(event_type, "m.fully_read" | "m.push_rules") {
            return Err(AccountsError::ReservedType(
                format!("account data of type {event_type} is set by its own endpoint").into(),
            ));
        }
        check(event_type, content)?;
        retry_on_conflict!(self.try_put(user_id, room_id, event_type, content).await)
    }

    async fn try_put(
        &self,
        user_id: &UserId,
        room_id: Option<&RoomId>,
        event_type: &str,
        content: &RawValue,
    ) -> Result<(), AccountsError> {
        let empty = is_empty(content).then(deleted);
        let content = empty.as_deref().unwrap_or(content);
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        Self::stage(&snapshot, &mut batch, user_id, room_id, event_type, content).await?;
        drop(snapshot);
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// Writes one piece of account data of any type, in a batch that may do more (tags, read
    /// markers, push rules). The batch stays empty if nothing changes; it conflicts if somebody else
    /// writes the same piece meanwhile. Don't stage the same piece twice in one batch.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stage(
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        room_id: Option<&RoomId>,
        event_type: &str,
        content: &RawValue,
    ) -> Result<(), AccountsError> {
        let room = room_key(room_id);
        let key = (user_id, room, event_type);
        let old = snapshot.get_versioned(&ACCOUNT_DATA, key).await?;
        if old.as_ref().is_some_and(|(record, _)| record.content == content.get()) {
            return Ok(());
        }
        if old.is_none() && content.get() == DELETED {
            return Ok(());
        }
        let version = old.as_ref().map(|(_, version)| *version);
        batch.require(&ACCOUNT_DATA, key, Expect::unchanged(version));
        if let Some((record, version)) = old {
            let stamp = Stamp { index: record.change_index, ..Stamp::first_at(version) };
            batch.delete(&ACCOUNT_DATA_CHANGES, (user_id, stamp));
        }
        let changed = ChangedRecord { room: room.to_owned(), event_type: event_type.to_owned() };
        let change_index = batch.append(&ACCOUNT_DATA_CHANGES, (user_id,), &changed);
        let record = AccountDataRecord { content: content.get().to_owned(), change_index };
        batch.put(&ACCOUNT_DATA, key, &record).touch(Touch::User(user_id.to_owned()));
        Ok(())
    }

    /// What was written after a position, up to the snapshot's: the latest of each piece, in the
    /// order in which they were written. Costs what changed, not what there is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn changes(
        snapshot: &Snapshot,
        user_id: &UserId,
        since: Position,
    ) -> Result<Vec<AccountDataEvent>, AccountsError> {
        let mut events = Vec::new();
        let mut after = Stamp::last_at(since);
        loop {
            let range = ACCOUNT_DATA_CHANGES.prefix((user_id,)).after((user_id, after));
            let rows =
                snapshot.scan(&ACCOUNT_DATA_CHANGES, range, PAGE, Direction::Forward).await?;
            let Some(last) = rows.last() else { return Ok(events) };
            after = last.key.1;
            let is_last_page = rows.len() < PAGE;
            let keys = rows.iter().map(|row| (user_id, &row.value.room, &row.value.event_type));
            let records = snapshot.get_many(&ACCOUNT_DATA, keys).await?;
            for (row, record) in rows.iter().zip(records) {
                let Some((record, version)) = record else { continue };
                events.push(event(&row.value.room, row.value.event_type.clone(), record, version)?);
            }
            if is_last_page {
                return Ok(events);
            }
        }
    }

    /// All account data of a user, for an initial sync.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Vec<AccountDataEvent>, AccountsError> {
        Self::in_range(snapshot, || ACCOUNT_DATA.prefix((user_id,))).await
    }

    /// All account data of a user about one room, or about none (`None`).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: Option<&RoomId>,
    ) -> Result<Vec<AccountDataEvent>, AccountsError> {
        let room = room_key(room_id);
        Self::in_range(snapshot, || ACCOUNT_DATA.prefix((user_id, room))).await
    }

    async fn in_range(
        snapshot: &Snapshot,
        whole: impl Fn() -> Range<(OwnedUserId, String, String)>,
    ) -> Result<Vec<AccountDataEvent>, AccountsError> {
        let mut events = Vec::new();
        let mut range = whole();
        loop {
            let rows = snapshot.scan(&ACCOUNT_DATA, range, PAGE, Direction::Forward).await?;
            let Some(last) = rows.last() else { return Ok(events) };
            range = whole().after(&last.key);
            let is_last_page = rows.len() < PAGE;
            for row in rows.into_iter().filter(|row| !row.value.is_deleted()) {
                let (_, room, event_type) = row.key;
                events.push(event(&room, event_type, row.value, row.version)?);
            }
            if is_last_page {
                return Ok(events);
            }
        }
    }
}

fn deleted() -> Box<RawValue> {
    RawValue::from_string(DELETED.to_owned()).expect("an empty object is JSON")
}

fn is_empty(content: &RawValue) -> bool {
    let text = content.get().trim();
    let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    inside.is_some_and(|inside| inside.trim().is_empty())
}

fn room_key(room_id: Option<&RoomId>) -> &str {
    room_id.map_or("", RoomId::as_str)
}

fn event(
    room: &str,
    event_type: String,
    record: AccountDataRecord,
    position: Position,
) -> Result<AccountDataEvent, AccountsError> {
    let damaged = |error: &dyn std::fmt::Display| {
        pli_store::StoreError::Corrupt(format!("account data of type {event_type}: {error}"))
    };
    let room_id = match room {
        "" => None,
        room => Some(OwnedRoomId::try_from(room).map_err(|error| damaged(&error))?),
    };
    let content = RawValue::from_string(record.content).map_err(|error| damaged(&error))?;
    Ok(AccountDataEvent { room_id, event_type, content, position })
}

fn check(event_type: &str, content: &RawValue) -> Result<(), AccountsError> {
    if event_type.is_empty() || event_type.len() > MAX_TYPE_LENGTH {
        return Err(AccountsError::invalid_param("a type has 1 to 255 bytes"));
    }
    if content.get().len() > MAX_CONTENT_SIZE {
        return Err(AccountsError::TooLarge("account data can have at most 256 KiB".into()));
    }
    if !content.get().trim_start().starts_with('{') {
        return Err(AccountsError::BadJson("account data is a JSON object".into()));
    }
    Ok(())
}
