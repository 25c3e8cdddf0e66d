//! What was last read of a room, shared by everybody who reads the room next.
//!
//! When a message arrives, all who wait for it ask for the same few rows. The first one reads them;
//! what follows from them for one person only (what they may see, what they have read) is not here.

use std::sync::Arc;

use pli_store::{Direction, Position, Snapshot, Stamp};
use quick_cache::Weighter;
use ruma::{OwnedRoomId, RoomId, UserId, events::TimelineEventType};

use super::TimelineRange;
use crate::{
    PaginationToken, Rooms,
    error::RoomError,
    event::RoomEvent,
    keyspaces::RECEIPT_STREAM,
    relation::Relation,
    rows::{ReceiptKind, RoomHead, RoomSummary, StreamedReceipt},
    state::StateRoot,
};

/// How many of a room's newest events are kept.
const KEPT_EVENTS: usize = 64;
/// How many of a room's newest receipts are kept.
const KEPT_RECEIPTS: usize = 256;

/// How far back somebody wants to know a room.
#[derive(Clone, Copy, Debug)]
pub struct RecentWanted {
    /// The events after this stamp,
    pub events_after: Stamp,
    /// the newest so many of them.
    pub events: usize,
    /// The receipts that changed after this position.
    pub receipts_after: Position,
}

/// The end of a room's timeline, its newest receipts, and what lists show of it, as of one position.
/// Immutable: when the room changes, another one takes its place.
#[derive(Debug)]
pub struct RecentRoom {
    read_at: Position,
    summary: RoomSummary,
    state: StateRoot,
    oldest_order: i64,
    /// Oldest first.
    events: Vec<Arc<RoomEvent>>,
    /// Every event after this is in `events`.
    events_after: Stamp,
    /// In the order in which they changed, with where they did.
    receipts: Vec<(Position, StreamedReceipt)>,
    /// Every receipt that changed after this is in `receipts`.
    receipts_after: Position,
}

impl RecentRoom {
    /// The position of the snapshot that this was read from. Two of the same room and position say
    /// the same.
    #[must_use]
    pub fn read_at(&self) -> Position {
        self.read_at
    }

    /// What lists show of the room.
    #[must_use]
    pub fn summary(&self) -> &RoomSummary {
        &self.summary
    }

    /// The room's state.
    #[must_use]
    pub fn state(&self) -> StateRoot {
        self.state
    }

    /// The room's newest events after a stamp, at most `limit`, newest first, hidden ones included.
    /// `None` if not that much is kept.
    #[must_use]
    pub fn newest(&self, after: Stamp, limit: usize) -> Option<Vec<Arc<RoomEvent>>> {
        let is_known = self.events_after <= after || self.events.len() >= limit;
        let wanted = |event: &&Arc<RoomEvent>| event.stamp > Some(after);
        is_known.then(|| self.events.iter().rev().take_while(wanted).take(limit).cloned().collect())
    }

    /// What [`Rooms::state_root_at`] gives. `None` if not that much is kept.
    #[must_use]
    pub fn state_root_at(&self, stamp: Stamp) -> Option<StateRoot> {
        let last = self.events.iter().rev().find(|event| event.stamp <= Some(stamp));
        match last {
            Some(event) => Some(event.room_state),
            None => (self.events_after == Stamp::MIN).then_some(StateRoot::EMPTY),
        }
    }

    /// What [`Rooms::receipts_since`] gives. `None` if not that much is kept.
    #[must_use]
    pub fn receipts_since(
        &self,
        reader: &UserId,
        after: Position,
    ) -> Option<Vec<&StreamedReceipt>> {
        let may_know = |receipt: &&StreamedReceipt| {
            receipt.kind == ReceiptKind::Read || receipt.user_id == reader
        };
        Some(self.changed_receipts(after)?.filter(may_know).collect())
    }

    /// Of the newest receipts, as many as are kept, those that the reader may know of.
    pub fn newest_receipts<'r>(
        &'r self,
        reader: &'r UserId,
    ) -> impl Iterator<Item = &'r StreamedReceipt> {
        let newest = self.receipts.iter().map(|(_, receipt)| receipt);
        newest.filter(move |receipt| receipt.kind == ReceiptKind::Read || receipt.user_id == reader)
    }

    /// Whether a user's own receipts changed after a position. `None` if not that much is kept.
    #[must_use]
    pub fn has_read_since(&self, user_id: &UserId, after: Position) -> Option<bool> {
        Some(self.changed_receipts(after)?.any(|receipt| receipt.user_id == user_id))
    }

    fn changed_receipts(&self, after: Position) -> Option<impl Iterator<Item = &StreamedReceipt>> {
        let first = self.receipts.partition_point(|(changed, _)| *changed <= after);
        let changed = self.receipts[first..].iter().map(|(_, receipt)| receipt);
        (self.receipts_after <= after).then_some(changed)
    }

    /// Whether a snapshot at `position` shows the room as it is here, if the room last changed at
    /// `changed`.
    fn is_current(&self, changed: Position, position: Position) -> bool {
        self.read_at == position || changed <= self.read_at.min(position)
    }

    /// Whether this goes back as far as wanted, or as far as anything that is kept ever does.
    fn covers(&self, wanted: &RecentWanted) -> bool {
        let events = self.events_after <= wanted.events_after
            || self.events.len() >= wanted.events.min(KEPT_EVENTS);
        let receipts =
            self.receipts_after <= wanted.receipts_after || self.receipts.len() >= KEPT_RECEIPTS;
        events && receipts
    }

    /// Whether what an event refers to is kept, as it was before anything referred to it like this.
    fn is_changed_by(&self, event: &RoomEvent) -> bool {
        let Some(relation) = Relation::of(event) else { return false };
        let parent = self.events.iter().find(|known| known.event_id() == relation.parent);
        parent.is_some_and(|parent| match &*relation.rel_type {
            "m.replace" => !parent.related.replaced,
            "m.thread" => !parent.related.threaded,
            "m.reference" => !parent.related.referenced,
            _ => false,
        })
    }

    /// Forgets what is too old to keep.
    fn trim(mut self) -> Self {
        let surplus = self.events.len().saturating_sub(KEPT_EVENTS);
        if let Some(last) = self.events.drain(..surplus).next_back() {
            self.events_after = last.stamp.unwrap_or(self.events_after);
        }
        let surplus = self.receipts.len().saturating_sub(KEPT_RECEIPTS);
        if let Some((changed, _)) = self.receipts.drain(..surplus).next_back() {
            self.receipts_after = changed;
        }
        self
    }
}

impl Rooms {
    /// The end of a room as a snapshot shows it; `None` if there is no such room.
    ///
    /// `changed` is the position of the last commit that wrote anything about the room (an event, a
    /// receipt, a membership), or any later one. Whoever doesn't know it gives the snapshot's
    /// position, and shares nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recent(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        changed: Position,
        wanted: &RecentWanted,
    ) -> Result<Option<Arc<RecentRoom>>, RoomError> {
        let position = snapshot.position();
        let known = self.inner.recent.get(room_id);
        let mut found = None;
        if let Some(known) = &known {
            if known.is_current(changed, position) {
                if known.covers(wanted) {
                    return Ok(Some(Arc::clone(known)));
                }
            } else if known.read_at < position {
                let followed = self.follow_recent(snapshot, room_id, known).await?;
                found = followed.filter(|followed| followed.covers(wanted));
            }
        }
        if found.is_none() {
            found = self.read_recent(snapshot, room_id, wanted).await?;
        }
        let Some(found) = found.map(Arc::new) else { return Ok(None) };
        if known.is_none_or(|known| known.read_at <= position) {
            self.inner.recent.insert(room_id.to_owned(), Arc::clone(&found));
        }
        Ok(Some(found))
    }

    async fn read_recent(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        wanted: &RecentWanted,
    ) -> Result<Option<RecentRoom>, RoomError> {
        let Some((head, _)) = self.head(snapshot, room_id).await? else { return Ok(None) };
        let Some((summary, _)) = self.summary(snapshot, room_id).await? else { return Ok(None) };
        let limit = wanted.events.min(KEPT_EVENTS);
        let events = self.events_after(snapshot, room_id, wanted.events_after, limit).await?;
        let events_after = match events.first().and_then(|event| event.stamp) {
            Some(oldest) if events.len() == limit => PaginationToken::before(oldest).stamp(),
            _ => wanted.events_after,
        };
        let receipts = self.receipts_after(snapshot, room_id, wanted.receipts_after).await?;
        let receipts_after = match receipts.first() {
            Some((oldest, _)) if receipts.len() == KEPT_RECEIPTS => *oldest,
            _ => wanted.receipts_after,
        };
        let RoomHead { state, oldest_order, .. } = head;
        let read_at = snapshot.position();
        Ok(Some(RecentRoom {
            read_at,
            summary,
            state,
            oldest_order,
            events,
            events_after,
            receipts,
            receipts_after,
        }))
    }

    /// What is known of a room, brought up to a later snapshot by what happened since; `None` if that
    /// may have changed what was there before, or was too much.
    async fn follow_recent(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        known: &RecentRoom,
    ) -> Result<Option<RecentRoom>, RoomError> {
        let Some((head, _)) = self.head(snapshot, room_id).await? else { return Ok(None) };
        let last = known.events.last().and_then(|event| event.stamp).unwrap_or(known.events_after);
        let new_events = self.events_after(snapshot, room_id, last, KEPT_EVENTS).await?;
        let new_receipts = self.receipts_after(snapshot, room_id, known.read_at).await?;
        // A redaction rewrites an older event, and so may what refers to it; backfilled events come before all others.
        let redacts =
            |event: &Arc<RoomEvent>| *event.pdu.event_type() == TimelineEventType::RoomRedaction;
        if head.oldest_order != known.oldest_order
            || new_events.iter().any(redacts)
            || new_events.iter().any(|event| known.is_changed_by(event))
            || new_events.len() == KEPT_EVENTS
            || new_receipts.len() == KEPT_RECEIPTS
        {
            return Ok(None);
        }

        // But for redactions and what sticks, a summary follows from the state.
        let sticks = new_events.iter().any(|event| event.pdu.sticky().is_some());
        let summary = if head.state == known.state && !sticks {
            known.summary.clone()
        } else {
            let Some((summary, _)) = self.summary(snapshot, room_id).await? else {
                return Ok(None);
            };
            summary
        };
        let is_replaced = |former: &StreamedReceipt| {
            new_receipts.iter().any(|(_, receipt)| {
                receipt.user_id == former.user_id
                    && receipt.kind == former.kind
                    && receipt.thread == former.thread
            })
        };
        let former = known.receipts.iter().filter(|(_, former)| !is_replaced(former)).cloned();
        let receipts = former.chain(new_receipts.iter().cloned()).collect();
        let events = known.events.iter().cloned().chain(new_events).collect();
        let followed = RecentRoom {
            read_at: snapshot.position(),
            summary,
            state: head.state,
            oldest_order: head.oldest_order,
            events,
            events_after: known.events_after,
            receipts,
            receipts_after: known.receipts_after,
        };
        Ok(Some(followed.trim()))
    }

    /// The newest events after a stamp, oldest first.
    async fn events_after(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        after: Stamp,
        limit: usize,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let range = TimelineRange { after, up_to: Stamp::MAX };
        let mut events =
            self.timeline(snapshot, room_id, range, limit, Direction::Backward).await?;
        events.reverse();
        Ok(events)
    }

    /// The newest receipts that changed after a position, in the order of their changes.
    async fn receipts_after(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        after: Position,
    ) -> Result<Vec<(Position, StreamedReceipt)>, RoomError> {
        let range = RECEIPT_STREAM.prefix((room_id,)).after((room_id, Stamp::last_at(after)));
        let rows =
            snapshot.scan(&RECEIPT_STREAM, range, KEPT_RECEIPTS, Direction::Backward).await?;
        Ok(rows.into_iter().rev().map(|row| (row.key.1.position(), row.value)).collect())
    }
}

#[derive(Clone)]
pub(crate) struct RecentWeight;

impl Weighter<OwnedRoomId, Arc<RecentRoom>> for RecentWeight {
    fn weight(&self, _room_id: &OwnedRoomId, recent: &Arc<RecentRoom>) -> u64 {
        let events: usize = recent.events.iter().map(|event| event.weight()).sum();
        let receipts = 256 * recent.receipts.len();
        u64::try_from(1024 + events + receipts).unwrap_or(u64::MAX)
    }
}
