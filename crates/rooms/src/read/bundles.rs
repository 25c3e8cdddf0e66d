//! What is told with an event of those that refer to it: `unsigned.m.relations`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events)).

use std::{collections::HashMap, sync::Arc};

use pli_events::ClientEvent;
use pli_store::{Direction, Snapshot};
use ruma::{EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, RoomId, UserId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::client_events::{Reader, format_event};
use crate::{
    IgnoredUsers, Rooms,
    error::RoomError,
    event::RoomEvent,
    keyspaces::{RELATION, REPLACEMENT, THREAD, THREAD_PARTICIPANT},
    rows::UserRoom,
};

/// How many relations of one event are looked at for the references among them.
const MOST_LOOKED_AT: usize = 500;

/// How many of a thread's last replies are looked at in search of one that the reader may see.
const MOST_REPLIES: usize = 100;

type Format = for<'p> fn(&'p pli_events::Pdu) -> ClientEvent<'p>;

#[derive(Default, Serialize)]
struct Bundle {
    #[serde(rename = "m.replace", skip_serializing_if = "Option::is_none")]
    replacement: Option<Box<RawValue>>,
    #[serde(rename = "m.thread", skip_serializing_if = "Option::is_none")]
    thread: Option<ThreadSummary>,
    #[serde(rename = "m.reference", skip_serializing_if = "Option::is_none")]
    references: Option<References>,
}

impl Bundle {
    fn is_empty(&self) -> bool {
        self.replacement.is_none() && self.thread.is_none() && self.references.is_none()
    }
}

#[derive(Serialize)]
struct ThreadSummary {
    latest_event: Box<RawValue>,
    count: u64,
    current_user_participated: bool,
}

#[derive(Serialize)]
struct References {
    chunk: Vec<Reference>,
}

#[derive(Serialize)]
struct Reference {
    event_id: OwnedEventId,
}

/// Somebody who reads events together with what refers to them.
struct Bundler<'a> {
    rooms: &'a Rooms,
    snapshot: &'a Snapshot,
    reader: Reader<'a>,
    now: MilliSecondsSinceUnixEpoch,
    format: Format,
    ignored: IgnoredUsers,
    /// What the reader is to the rooms of the events.
    user_rooms: HashMap<OwnedRoomId, Option<UserRoom>>,
}

impl Rooms {
    /// What is told with these events of those that refer to them; nothing for most.
    pub(super) async fn bundles(
        &self,
        snapshot: &Snapshot,
        reader: Reader<'_>,
        events: &[Arc<RoomEvent>],
        format: Format,
    ) -> Result<HashMap<OwnedEventId, Box<RawValue>>, RoomError> {
        let mut bundler = Bundler {
            rooms: self,
            snapshot,
            reader,
            now: self.inner.ambient.now(),
            format,
            ignored: self.ignored_users(snapshot, reader.user_id).await?,
            user_rooms: HashMap::new(),
        };
        let mut bundles = HashMap::new();
        for event in events.iter().filter(|event| !event.related.is_nothing()) {
            let bundle = bundler.bundle(event).await?;
            if !bundle.is_empty() {
                bundles.insert(event.event_id().to_owned(), raw(&bundle)?);
            }
        }
        Ok(bundles)
    }
}

impl Bundler<'_> {
    async fn bundle(&mut self, event: &RoomEvent) -> Result<Bundle, RoomError> {
        let mut bundle = Bundle::default();
        if event.related.replaced {
            bundle.replacement = self.replacement(event).await?;
        }
        if event.related.threaded {
            bundle.thread = self.thread(event).await?;
        }
        if event.related.referenced {
            bundle.references = self.references(event).await?;
        }
        Ok(bundle)
    }

    async fn may_see(&mut self, event: &RoomEvent) -> Result<bool, RoomError> {
        if self.ignored.hides(event) {
            return Ok(false);
        }
        let room_id = event.pdu.room_id();
        if !self.user_rooms.contains_key(room_id) {
            let user_room =
                self.rooms.user_room(self.snapshot, self.reader.user_id, room_id).await?;
            self.user_rooms.insert(room_id.to_owned(), user_room);
        }
        let user_room = self.user_rooms.get(room_id).and_then(Option::as_ref);
        self.rooms.may_see(self.snapshot, self.reader.user_id, user_room, event).await
    }

    async fn show(
        &self,
        event: &RoomEvent,
        relations: Option<&RawValue>,
    ) -> Result<Box<RawValue>, RoomError> {
        let membership =
            self.rooms.membership_at(self.snapshot, self.reader.user_id, event).await?;
        let shown = format_event::<serde_json::Value>(
            event,
            self.reader,
            self.now,
            &membership,
            &[],
            relations,
            self.format,
        );
        Ok(shown.into_json())
    }

    /// The edit that stands for an event. What was redacted stays so.
    async fn replacement(&mut self, event: &RoomEvent) -> Result<Option<Box<RawValue>>, RoomError> {
        if event.redacted_by.is_some() {
            return Ok(None);
        }
        let key = (event.pdu.room_id(), event.event_id());
        let Some(row) = self.snapshot.get(&REPLACEMENT, key).await? else { return Ok(None) };
        let Some(edit) = self.rooms.event(self.snapshot, &row.event_id).await? else {
            return Ok(None);
        };
        if edit.redacted_by.is_some() || !self.may_see(&edit).await? {
            return Ok(None);
        }
        self.show(&edit, None).await.map(Some)
    }

    async fn thread(&mut self, root: &RoomEvent) -> Result<Option<ThreadSummary>, RoomError> {
        let (room_id, root_id) = (root.pdu.room_id(), root.event_id());
        let row = self.snapshot.get(&THREAD, (room_id, root_id)).await?;
        let Some(row) = row else { return Ok(None) };
        let mut users: Vec<(&RoomId, &EventId, &UserId)> =
            vec![(room_id, root_id, self.reader.user_id)];
        for ignored in self.ignored.iter() {
            users.push((room_id, root_id, ignored));
        }
        let counts = self.snapshot.get_many(&THREAD_PARTICIPANT, users).await?;
        let counts = counts
            .into_iter()
            .map(|row| row.map_or(0, |(replies, _)| u64::try_from(replies.0).unwrap_or(0)));
        let counts: Vec<u64> = counts.collect();
        let Some((own, of_ignored)) = counts.split_first() else { return Ok(None) };
        let count = row.count.saturating_sub(of_ignored.iter().sum());
        if count == 0 {
            return Ok(None);
        }
        let Some(latest) = self.latest_reply(root, &row.latest_event_id).await? else {
            return Ok(None);
        };
        let replacement =
            if latest.related.replaced { self.replacement(&latest).await? } else { None };
        let edited = match replacement {
            Some(replacement) => {
                Some(raw(&Bundle { replacement: Some(replacement), ..Bundle::default() })?)
            }
            None => None,
        };
        Ok(Some(ThreadSummary {
            latest_event: self.show(&latest, edited.as_deref()).await?,
            count,
            current_user_participated: *own > 0 || root.pdu.sender() == self.reader.user_id,
        }))
    }

    /// A thread's last reply that the reader may see.
    async fn latest_reply(
        &mut self,
        root: &RoomEvent,
        latest: &OwnedEventId,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        if let Some(reply) = self.rooms.event(self.snapshot, latest).await?
            && self.may_see(&reply).await?
        {
            return Ok(Some(reply));
        }
        let range = RELATION.prefix((root.pdu.room_id(), root.event_id()));
        let rows = self.snapshot.scan(&RELATION, range, MOST_REPLIES, Direction::Backward).await?;
        for row in rows.into_iter().filter(|row| row.value.rel_type == "m.thread") {
            if let Some(reply) = self.rooms.event(self.snapshot, &row.value.event_id).await?
                && self.may_see(&reply).await?
            {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    async fn references(&mut self, event: &RoomEvent) -> Result<Option<References>, RoomError> {
        let range = RELATION.prefix((event.pdu.room_id(), event.event_id()));
        let rows = self.snapshot.scan(&RELATION, range, MOST_LOOKED_AT, Direction::Forward).await?;
        let references = rows
            .into_iter()
            .map(|row| row.value)
            .filter(|row| row.rel_type == "m.reference" && !self.ignored.contains(&row.sender));
        let chunk: Vec<_> = references.map(|row| Reference { event_id: row.event_id }).collect();
        Ok((!chunk.is_empty()).then_some(References { chunk }))
    }
}

fn raw(bundle: &Bundle) -> Result<Box<RawValue>, RoomError> {
    to_raw_value(bundle).map_err(|error| RoomError::BadContent(error.to_string()))
}
