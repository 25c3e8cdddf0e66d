//! What is noted beside events, in rooms that were written before it was.

use futures_util::future::BoxFuture;
use pli_store::{
    Direction, Stamp,
    derived::{Derived, Made},
};
use ruma::{OwnedEventId, OwnedRoomId, RoomId};

use crate::{
    Rooms,
    error::RoomError,
    keyspaces::ROOM_HEAD,
    log::{Operation, RoomTransaction},
    read::TimelineRange,
};

/// How many events are noted at once: others who write to the room wait for so long.
const PAGE: usize = 100;

/// What refers to each event, and when each was sent, in stores of before that was noted.
pub struct EventNotes {
    rooms: Rooms,
}

impl EventNotes {
    /// What is noted of the events of these rooms.
    #[must_use]
    pub fn new(rooms: Rooms) -> Self {
        Self { rooms }
    }

    async fn first_room_after(
        &self,
        room_id: Option<&RoomId>,
    ) -> Result<Option<OwnedRoomId>, RoomError> {
        let snapshot = self.rooms.inner.store.snapshot().await?;
        let range = match room_id {
            Some(room_id) => ROOM_HEAD.all().after(room_id),
            None => ROOM_HEAD.all(),
        };
        let rows = snapshot.scan(&ROOM_HEAD, range, 1, Direction::Forward).await?;
        Ok(rows.into_iter().next().map(|row| row.key))
    }
}

impl Derived for EventNotes {
    /// A room, and the event of it that was noted last.
    type Place = (OwnedRoomId, Stamp);
    type Error = RoomError;
    const NAME: &'static str = "event_notes";
    const VERSION: u32 = 1;

    async fn make_some(
        &self,
        after: Option<(OwnedRoomId, Stamp)>,
    ) -> Result<Option<Made<(OwnedRoomId, Stamp)>>, RoomError> {
        let Some((room_id, stamp)) = after else {
            let first = self.first_room_after(None).await?;
            return Ok(first.map(|room_id| Made { place: (room_id, Stamp::MIN), count: 0 }));
        };
        match self.note_some(&room_id, stamp).await {
            Ok(Some((last, count))) => return Ok(Some(Made { place: (room_id, last), count })),
            Ok(None) => {}
            Err(error) if error.is_passing() => return Err(error),
            // One damaged room must not keep all others from being noted.
            Err(error) => {
                tracing::error!(%room_id, %error, "a room's events could not all be noted");
            }
        }
        let next = self.first_room_after(Some(&room_id)).await?;
        Ok(next.map(|room_id| Made { place: (room_id, Stamp::MIN), count: 0 }))
    }
}

impl EventNotes {
    /// Notes the next events of a room. Returns the last one's place and how many there were; `None`
    /// after the last of the room.
    async fn note_some(
        &self,
        room_id: &RoomId,
        after: Stamp,
    ) -> Result<Option<(Stamp, u64)>, RoomError> {
        let snapshot = self.rooms.inner.store.snapshot().await?;
        let range = TimelineRange { after, up_to: Stamp::MAX };
        let events =
            self.rooms.timeline(&snapshot, room_id, range, PAGE, Direction::Forward).await?;
        drop(snapshot);
        let Some(last) = events.last().and_then(|event| event.stamp) else { return Ok(None) };
        let event_ids = events.iter().map(|event| event.event_id().to_owned()).collect();
        self.rooms.submit(room_id, NoteAgain { event_ids }).await?;
        Ok(Some((last, u64::try_from(events.len()).unwrap_or(u64::MAX))))
    }
}

struct NoteAgain {
    event_ids: Vec<OwnedEventId>,
}

impl Operation for NoteAgain {
    fn run<'a>(
        &'a self,
        transaction: &'a mut RoomTransaction<'_>,
    ) -> BoxFuture<'a, Result<OwnedEventId, RoomError>> {
        Box::pin(async move {
            for event_id in &self.event_ids {
                // As it is now: it may have been redacted meanwhile.
                let event = transaction.known_event(event_id).await?;
                transaction.note_again(&event).await?;
            }
            Ok(transaction.head.create_event_id.clone())
        })
    }
}
