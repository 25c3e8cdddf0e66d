use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use pli_store::{Direction, Position, Row, Snapshot, Stamp};
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};

use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    keyspaces::{EVENT_INDEX, OUTLIER, TIMELINE},
    lazy_snapshot::LazySnapshot,
    rows::StoredEvent,
};

/// A part of a room's timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineRange {
    /// Only events after this stamp.
    pub after: Stamp,
    /// Only events up to this stamp, itself included.
    pub up_to: Stamp,
}

impl TimelineRange {
    /// The whole timeline.
    pub const ALL: Self = Self { after: Stamp::MIN, up_to: Stamp::MAX };

    /// What was appended after one position and up to another: the window between two sync tokens.
    #[must_use]
    pub fn between(after: Position, up_to: Position) -> Self {
        Self { after: Stamp::last_at(after), up_to: Stamp::last_at(up_to) }
    }
}

impl Rooms {
    /// Events of a room's timeline, at most `limit`, hidden ones (rejected, soft-failed) included:
    /// whoever shows them asks [`Rooms::visible_events`] first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn timeline(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        range: TimelineRange,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let rows =
            TIMELINE.prefix((room_id,)).after((room_id, range.after)).up_to((room_id, range.up_to));
        let found = snapshot.scan(&TIMELINE, rows, limit, direction).await?;
        let read_at = snapshot.position();
        found.into_iter().map(|row| self.event_of_row(row, read_at)).collect()
    }

    /// The events at places of rooms' timelines, in the same order.
    pub(crate) async fn events_at(
        &self,
        snapshot: &Snapshot,
        places: impl Iterator<Item = (&OwnedRoomId, Stamp)> + Clone,
    ) -> Result<Vec<Option<Arc<RoomEvent>>>, RoomError> {
        let rows = snapshot.get_many(&TIMELINE, places.clone()).await?;
        let rows = rows.into_iter().zip(places).map(|(row, (room_id, stamp))| {
            let key = (room_id.clone(), stamp);
            row.map(|(value, version)| {
                self.event_of_row(Row { key, value, version }, snapshot.position())
            })
            .transpose()
        });
        rows.collect()
    }

    fn event_of_row(
        &self,
        row: Row<(OwnedRoomId, Stamp), StoredEvent>,
        read_at: Position,
    ) -> Result<Arc<RoomEvent>, RoomError> {
        // What is known of an event only grows: a redacted event never gets its content back, even for a reader who began before.
        if let Some(event) = self.inner.events.get(&row.value.event_id)
            && (event.redacted_by.is_some() || row.value.redacted_by.is_none())
            && event.related.or(row.value.related) == event.related
        {
            return Ok(event);
        }
        let event = Arc::new(RoomEvent::read(row.value, Some(row.key.1))?);
        self.remember(&event, read_at);
        Ok(event)
    }

    /// Keeps an event of a timeline in memory, as it was at a position: unless it may have been
    /// redacted since.
    pub(crate) fn remember(&self, event: &Arc<RoomEvent>, read_at: Position) {
        let is_old = || read_at.0 < self.inner.events_changed_at.load(Ordering::SeqCst);
        if is_old() {
            return;
        }
        let events = &self.inner.events;
        events.insert(event.event_id().to_owned(), Arc::clone(event));
        // It changed between the two.
        if is_old() {
            events.remove(event.event_id());
        }
    }

    /// Keeps events in memory as a commit at a position rewrote them: who reads an older position
    /// doesn't bring back what they were before.
    pub(crate) fn remember_rewritten(
        &self,
        events: &HashMap<OwnedEventId, Arc<RoomEvent>>,
        position: Position,
    ) {
        if events.is_empty() {
            return;
        }
        // Before they are replaced: whoever remembers one afterwards sees this.
        self.inner.events_changed_at.fetch_max(position.0, Ordering::SeqCst);
        for (event_id, event) in events {
            // After a later commit nothing of this position is kept. What was before must go anyhow.
            self.inner.events.remove(event_id);
            self.remember(event, position);
        }
    }

    /// An event, on the timeline or an outlier.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn event(
        &self,
        snapshot: &Snapshot,
        event_id: &EventId,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        self.event_from(&LazySnapshot::given(snapshot), event_id).await
    }

    /// Many events, in the order of the ids.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events(
        &self,
        snapshot: &Snapshot,
        event_ids: &[OwnedEventId],
    ) -> Result<Vec<Option<Arc<RoomEvent>>>, RoomError> {
        self.events_from(&LazySnapshot::given(snapshot), event_ids).await
    }

    pub(crate) async fn event_from(
        &self,
        source: &LazySnapshot<'_>,
        event_id: &EventId,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        if let Some(event) = self.inner.events.get(event_id) {
            return Ok(Some(event));
        }
        let mut found = self.events_from(source, &[event_id.to_owned()]).await?;
        Ok(found.pop().flatten())
    }

    pub(crate) async fn events_from(
        &self,
        source: &LazySnapshot<'_>,
        event_ids: &[OwnedEventId],
    ) -> Result<Vec<Option<Arc<RoomEvent>>>, RoomError> {
        let mut found: Vec<Option<Arc<RoomEvent>>> =
            event_ids.iter().map(|event_id| self.inner.events.get(event_id)).collect();
        let missing: Vec<usize> =
            (0..found.len()).filter(|&index| found[index].is_none()).collect();
        if missing.is_empty() {
            return Ok(found);
        }

        let snapshot = source.get().await?;
        let missing_ids = missing.iter().map(|&index| &event_ids[index]);
        let places = snapshot.get_many(&EVENT_INDEX, missing_ids).await?;
        let mut on_timeline = Vec::new();
        let mut outliers = Vec::new();
        for (index, place) in missing.into_iter().zip(places) {
            let Some((place, version)) = place else { continue };
            match place.stamp(version) {
                Some(stamp) => on_timeline.push((index, (place.room_id().clone(), stamp))),
                None => outliers.push(index),
            }
        }

        if !on_timeline.is_empty() {
            let rows = snapshot.get_many(&TIMELINE, on_timeline.iter().map(|(_, key)| key)).await?;
            for ((index, key), row) in on_timeline.into_iter().zip(rows) {
                let missing_event = || RoomError::MissingEvent(event_ids[index].clone());
                let (value, version) = row.ok_or_else(missing_event)?;
                found[index] =
                    Some(self.event_of_row(Row { key, value, version }, snapshot.position())?);
            }
        }
        if !outliers.is_empty() {
            let outlier_ids = outliers.iter().map(|&index| &event_ids[index]);
            let rows = snapshot.get_many(&OUTLIER, outlier_ids).await?;
            for (index, row) in outliers.into_iter().zip(rows) {
                let missing_event = || RoomError::MissingEvent(event_ids[index].clone());
                let (stored, _) = row.ok_or_else(missing_event)?;
                // Not cached: an outlier can become a part of the timeline.
                found[index] = Some(Arc::new(RoomEvent::read(stored, None)?));
            }
        }
        Ok(found)
    }
}
