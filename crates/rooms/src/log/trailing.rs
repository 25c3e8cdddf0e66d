//! Rows that follow their events in groups.
//!
//! Where an event stands in time, and which transaction of a client made it, can be told from the
//! timeline. A row of either kind for each message would cost as much disk as the message, as each
//! lands on a page of its own. So the room's head says up to where these rows are written, and the
//! few events behind that are looked up on the timeline.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use pli_store::{Direction, Snapshot, Stamp};
use ruma::{OwnedEventId, RoomId};

use super::{ClientTransaction, RoomTransaction};
use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    keyspaces::{EVENT_TIME, ROOM_HEAD, TRANSACTION},
    read::TimelineRange,
    rows::{RoomHead, TransactionRow},
};

/// How many events may be without their rows when another batch begins.
const MOST_TRAILING: usize = 32;

/// An event whose rows are not written yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trailing {
    stamp: Stamp,
    /// Of the client transaction that made it: most others are told apart without reading.
    transaction: Option<u64>,
}

impl Trailing {
    pub(crate) fn of(event: &RoomEvent, stamp: Stamp) -> Self {
        let transaction = ClientTransaction::of_message(event).as_ref().map(fingerprint);
        Self { stamp, transaction }
    }
}

impl RoomHead {
    /// The timeline from the first event whose rows are not written yet.
    fn trailing_range(&self) -> Option<TimelineRange> {
        self.settled.map(|after| TimelineRange { after, up_to: Stamp::MAX })
    }
}

impl Rooms {
    /// The events of a room without their rows, in order. In rooms from before there were such
    /// events, all have their rows.
    pub(super) async fn trailing(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        head: &RoomHead,
    ) -> Result<Vec<Trailing>, RoomError> {
        let events = self.trailing_events_of(snapshot, room_id, head).await?;
        let trailing = events.iter().filter_map(|event| Some(Trailing::of(event, event.stamp?)));
        Ok(trailing.collect())
    }

    /// The events of a room that have no row in [`EVENT_TIME`] yet, in order.
    pub(crate) async fn trailing_events(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let Some(head) = snapshot.get(&ROOM_HEAD, room_id).await? else { return Ok(Vec::new()) };
        self.trailing_events_of(snapshot, room_id, &head).await
    }

    async fn trailing_events_of(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        head: &RoomHead,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let Some(range) = head.trailing_range() else { return Ok(Vec::new()) };
        // A batch begins with few and adds few: no page is needed.
        self.timeline(snapshot, room_id, range, usize::MAX, Direction::Forward).await
    }
}

impl RoomTransaction<'_> {
    /// The event that a client transaction made already, if its row is still to be written.
    pub(super) async fn made_lately(
        &self,
        transaction: &ClientTransaction,
    ) -> Result<Option<OwnedEventId>, RoomError> {
        let wanted = Some(fingerprint(transaction));
        if self.trailing.iter().all(|trailing| trailing.transaction != wanted) {
            return Ok(None);
        }
        let Some(range) = self.head.trailing_range() else { return Ok(None) };
        let snapshot = self.source.get().await?;
        let events = self
            .rooms
            .timeline(snapshot, &self.room_id, range, usize::MAX, Direction::Forward)
            .await?;
        let is_it = |event: &&Arc<RoomEvent>| {
            ClientTransaction::of_message(event).as_ref() == Some(transaction)
        };
        Ok(events.iter().find(is_it).map(|event| event.event_id().to_owned()))
    }

    /// Writes the rows of committed events, once there are enough of them.
    pub(super) async fn settle(&mut self) -> Result<(), RoomError> {
        let Some(last) = self.trailing.last() else { return Ok(()) };
        if self.trailing.len() < MOST_TRAILING {
            return Ok(());
        }
        let Some(range) = self.head.trailing_range() else { return Ok(()) };
        let range = TimelineRange { up_to: last.stamp, ..range };
        let snapshot = self.source.get().await?;
        let events = self
            .rooms
            .timeline(snapshot, &self.room_id, range, usize::MAX, Direction::Forward)
            .await?;
        let ts = self.rooms.inner.ambient.now();
        for event in events {
            let Some(stamp) = event.stamp else { continue };
            let event_id = event.event_id();
            if !event.is_hidden() {
                let time = u64::from(event.pdu.origin_server_ts().0);
                self.batch.put(&EVENT_TIME, (&self.room_id, time, stamp), &event_id.to_string());
            }
            if let Some(transaction) = ClientTransaction::of_message(&event) {
                let row = TransactionRow { event_id: event_id.to_owned(), ts };
                self.batch.put(&TRANSACTION, transaction.key(), &row);
            }
        }
        self.head.settled = Some(last.stamp);
        self.trailing.clear();
        Ok(())
    }
}

fn fingerprint(transaction: &ClientTransaction) -> u64 {
    let mut hasher = DefaultHasher::new();
    transaction.hash(&mut hasher);
    hasher.finish()
}
