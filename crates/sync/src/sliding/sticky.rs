//! The sliding sync extension for sticky events
//! ([MSC4480](https://github.com/matrix-org/matrix-spec-proposals/pull/4480)).

use std::{collections::HashSet, sync::Arc};

use pli_store::{Position, Stamp};
use ruma::OwnedEventId;

use super::{
    answer::{SlidingAnswering, Told},
    extensions::position_since,
    order::ListedRoom,
    response::{StickyEventsOfRoom, StickyEventsResult},
    wanted::Wanted,
};
use crate::{
    SyncError,
    sticky::{MOST_OF_A_ROOM, STICKY_LIMIT, Sticky, keep_what_fits},
};

impl SlidingAnswering<'_> {
    /// What sticks in the rooms that lists or subscriptions match, in their windows or not, after the
    /// `since` of the extension. What the timelines show is not repeated.
    pub(crate) async fn add_sticky_events(
        &self,
        wanted: &Wanted,
        told: &mut Told,
    ) -> Result<(), SyncError> {
        let extension = &self.request.body.extensions.sticky_events;
        let snapshot = &self.base.snapshot;
        let since = position_since("sticky_events", extension.since.as_deref())?;
        // A `since` from a future that a restored backup doesn't know says nothing.
        let since = since.filter(|since| *since <= snapshot.position());
        told.sticky = since;
        let limit = extension.limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(STICKY_LIMIT).clamp(1, STICKY_LIMIT);

        let mut sticky = Vec::new();
        let now_ms = self.base.sync.inner.sliding.ambient.now_ms();
        for room in wanted.sticky.iter().filter(|room| room.facts.sticky_until_ms > now_ms) {
            sticky.extend(self.sticky_events_of(room, since, told).await?);
        }
        let is_any = !sticky.is_empty();
        let shown: HashSet<OwnedEventId> = told
            .rooms
            .values()
            .flat_map(|room| &room.timeline)
            .filter_map(|event| event.get_field("event_id").ok().flatten())
            .collect();
        sticky.retain(|sticky| !shown.contains(sticky.event.event_id()));
        let rest_after = keep_what_fits(&mut sticky, limit);
        if !is_any {
            return Ok(());
        }
        let next = rest_after.unwrap_or(snapshot.position());
        // Who never says how far they are is told again and again, but not woken for it.
        let is_news = |sticky: &Sticky| since.is_some() || sticky.position() > self.base.since;
        told.has_extension_news |= sticky.iter().any(is_news);
        told.has_more_sticky = rest_after.is_some();
        told.sticky = Some(next);

        let mut result = StickyEventsResult { next_batch: next.to_string(), ..<_>::default() };
        sticky.sort_by(|one, other| one.room_id.cmp(&other.room_id));
        for of_room in sticky.chunk_by(|one, other| one.room_id == other.room_id) {
            let Some(room_id) = of_room.first().map(|sticky| sticky.room_id.clone()) else {
                continue;
            };
            let events: Vec<_> = of_room.iter().map(|sticky| Arc::clone(&sticky.event)).collect();
            let rooms = self.base.rooms();
            let events = rooms.sync_events(snapshot, self.base.reader(), &events).await?;
            result.rooms.insert(room_id, StickyEventsOfRoom { events });
        }
        told.sticky_events = Some(result);
        Ok(())
    }

    async fn sticky_events_of(
        &self,
        room: &ListedRoom,
        since: Option<Position>,
        told: &Told,
    ) -> Result<Vec<Sticky>, SyncError> {
        let (rooms, snapshot) = (self.base.rooms(), &self.base.snapshot);
        let room_id = &room.room_id;
        let user_room = rooms.user_room(snapshot, &self.request.user_id, room_id).await?;
        let Some(user_room) = user_room else { return Ok(Vec::new()) };
        // Who comes into a room, or is told of it for the first time, gets all that sticks there:
        // clients drop what they get of rooms that they don't know.
        let is_told_anew = told.rooms.get(room_id).is_some_and(|room| room.initial == Some(true));
        let known = since.filter(|since| !is_told_anew && user_room.since.position() <= *since);
        if known.is_some_and(|since| room.active_at <= since) {
            return Ok(Vec::new());
        }
        let after = known.map_or(Stamp::MIN, Stamp::last_at);
        let ignored = self.base.ignored().await?;
        let events = rooms.sticky_events(snapshot, ignored, room_id, after, MOST_OF_A_ROOM).await?;
        let is_of_new_room = since.is_some() && known.is_none();
        let told = events.into_iter().map(|event| Sticky {
            room_id: room_id.clone(),
            event,
            is_of_new_room,
        });
        Ok(told.collect())
    }
}
