//! Committing what a transaction appended.

use std::sync::Arc;

use pli_store::{CommitError, Expect, Position, Stamp, Touch};

use super::{Appended, RoomTransaction};
use crate::{
    event::RoomEvent,
    keyspaces::{EVENT_INDEX, OUTLIER, ROOM_HEAD, ROOM_SUMMARY, STICKY_EVENT, TIMELINE, USER_ROOM},
    log::{KnownRoom, Trailing},
    news::NewsKind,
    operations::{GUEST_EVICTION, GuestEviction},
    rows::EventPlace,
    state::StateTree,
};

impl RoomTransaction<'_> {
    /// Commits everything.
    pub(crate) async fn commit(mut self) -> Result<Position, CommitError> {
        // Nothing is read any more: the snapshot must not wait for the disk.
        drop(self.source);
        let room_id = &self.room_id;
        let mut batch = std::mem::take(&mut self.batch);
        batch.require(&ROOM_HEAD, room_id, Expect::unchanged(self.head_version));
        for (position, Appended { event, was_outlier }) in self.appended.iter().enumerate() {
            let index = batch.append(&TIMELINE, (room_id,), &event.to_stored());
            debug_assert_eq!(usize::from(index), position, "only events are appended here");
            let place = EventPlace::Live { room_id: room_id.clone(), index };
            if *was_outlier {
                batch.delete(&OUTLIER, event.event_id());
            }
            batch.put(&EVENT_INDEX, event.event_id(), &place);
        }
        for row in &self.sticky {
            batch.append(&STICKY_EVENT, (room_id,), row);
        }
        self.relations.stage(&mut batch, room_id);
        self.rooms.stage_news(&mut batch, room_id, NewsKind::Events);
        batch.put(&ROOM_HEAD, room_id, &self.head);
        if self.summary_changed || self.head_version.is_none() {
            batch.put(&ROOM_SUMMARY, room_id, &self.summary);
        }
        let evicts_guests = self.guests_could_join && !self.summary.guest_can_join;
        if evicts_guests {
            batch.put(&GUEST_EVICTION, room_id, &GuestEviction {});
        }
        for (user_id, pending) in &self.user_rooms {
            batch.put(&USER_ROOM, (user_id, room_id), &pending.row);
        }
        StateTree::write(&self.nodes, &mut batch);
        batch.touch(Touch::Room(room_id.clone()));
        for touch in self.touched.drain() {
            batch.touch(touch);
        }
        for event_id in self.rewritten.keys() {
            batch.touch(Touch::row(&EVENT_INDEX, event_id));
        }

        let position = self.rooms.inner.store.commit(batch).await?;

        let inner = &self.rooms.inner;
        inner.states.committed(&self.nodes);
        self.rooms.remember_rewritten(&self.rewritten, position);
        for (index, Appended { event, .. }) in self.appended.into_iter().enumerate() {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            let stamp = Stamp { index, ..Stamp::first_at(position) };
            self.trailing.push(Trailing::of(&event, stamp));
            let event = Arc::new(RoomEvent { stamp: Some(stamp), ..event });
            self.rooms.remember(&event, position);
        }
        let Self { head, summary, trailing, .. } = self;
        let known = KnownRoom { head, head_version: position, summary, trailing };
        inner.log.know(&self.room_id, known);
        if evicts_guests {
            self.rooms.evict_guests(&self.room_id);
        }
        Ok(position)
    }
}
