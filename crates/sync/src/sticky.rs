//! Events that stick for a while: whoever is in a room gets them, however much was sent after them
//! ([MSC4354](https://github.com/matrix-org/matrix-spec-proposals/pull/4354)).

use std::sync::Arc;

use pli_rooms::{RoomEvent, RoomSummary, UserRoom};
use pli_store::{Position, Stamp};
use ruma::OwnedRoomId;

use crate::{SyncError, answer::Answering, timeline::Window};

/// How many sticky events of rooms that the client knows one answer carries; the next one goes on
/// with the rest.
pub(crate) const STICKY_LIMIT: usize = 100;
/// How many of one room are told at most.
pub(crate) const MOST_OF_A_ROOM: usize = 1_000;

/// A sticky event that is not on the part of the timeline that an answer carries.
pub(crate) struct Sticky {
    pub(crate) room_id: OwnedRoomId,
    pub(crate) event: Arc<RoomEvent>,
    /// The client gets to know its room by this answer: all that sticks there is told at once.
    pub(crate) is_of_new_room: bool,
}

impl Sticky {
    pub(crate) fn position(&self) -> Position {
        self.event.stamp.map_or(Position::ZERO, Stamp::position)
    }
}

/// Keeps what fits into one answer, the oldest first. Returns the position up to which everything is
/// told, if something is left for the next answer.
pub(crate) fn keep_what_fits(sticky: &mut Vec<Sticky>, limit: usize) -> Option<Position> {
    sticky.sort_by_key(|sticky| sticky.event.stamp);
    let counted: Vec<Position> =
        sticky.iter().filter(|sticky| !sticky.is_of_new_room).map(Sticky::position).collect();
    if counted.len() <= limit {
        return None;
    }
    // What was committed together is told together: a position says no more than that.
    let up_to = *counted.get(limit.saturating_sub(1))?;
    sticky.retain(|sticky| sticky.is_of_new_room || sticky.position() <= up_to);
    (counted.last() > Some(&up_to)).then_some(up_to)
}

impl Answering<'_> {
    /// Whether the answer before left sticky events out: nothing new has to happen for them to come
    /// now.
    pub(crate) fn has_more_sticky(&self) -> bool {
        self.request.since.is_some_and(|since| since.sticky < since.position)
    }

    /// Collects what sticks in a room, but for what the window shows.
    pub(crate) async fn collect_sticky(
        &mut self,
        user_room: &UserRoom,
        summary: &RoomSummary,
        window: &Window,
        is_new: bool,
    ) -> Result<bool, SyncError> {
        if !self.sticks(summary) {
            return Ok(false);
        }
        // Everything that was appended since is in the window, unless there is a gap or a filter.
        let is_whole = !window.limited && self.request.filter.room.timeline.is_empty();
        if is_whole && !is_new && !self.has_more_sticky() {
            return Ok(false);
        }
        let after = match self.request.since {
            Some(since) if !is_new => Stamp::last_at(since.sticky.min(since.position)),
            _ => Stamp::MIN,
        };
        let room_id = &user_room.room_id;
        let ignored = self.ignored().await?;
        let mut events = self
            .rooms()
            .sticky_events(&self.snapshot, ignored, room_id, after, MOST_OF_A_ROOM)
            .await?;
        events.retain(|event| {
            !window.events.iter().any(|shown| shown.event_id() == event.event_id())
        });
        let is_any = !events.is_empty();
        let is_of_new_room = is_new && !self.is_initial();
        let told = events.into_iter().map(|event| Sticky {
            room_id: room_id.clone(),
            event,
            is_of_new_room,
        });
        self.sticky.extend(told);
        Ok(is_any)
    }

    /// Whether anything at all sticks in a room.
    pub(crate) fn sticks(&self, summary: &RoomSummary) -> bool {
        summary.sticky_until_ms > self.sync.inner.sliding.ambient.now_ms()
    }

    /// Adds what was collected to the rooms of the answer.
    pub(crate) async fn add_sticky(&mut self) -> Result<(), SyncError> {
        let mut sticky = std::mem::take(&mut self.sticky);
        if let Some(up_to) = keep_what_fits(&mut sticky, STICKY_LIMIT) {
            self.next.sticky = up_to;
        }
        sticky.sort_by(|one, other| one.room_id.cmp(&other.room_id));
        for of_room in sticky.chunk_by(|one, other| one.room_id == other.room_id) {
            let Some(room_id) = of_room.first().map(|sticky| &sticky.room_id) else { continue };
            let events: Vec<_> = of_room.iter().map(|sticky| Arc::clone(&sticky.event)).collect();
            let told = self.rooms().sync_events(&self.snapshot, self.reader(), &events).await?;
            if let Some(joined) = self.response.rooms.join.get_mut(room_id) {
                joined.sticky.events = told;
            }
        }
        Ok(())
    }
}
