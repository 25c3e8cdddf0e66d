use std::sync::Arc;

use pli_store::{Direction, Snapshot, Stamp};
use ruma::{EventId, MilliSecondsSinceUnixEpoch, RoomId, UserId};

use super::RoomView;
use crate::{Rooms, error::RoomError, event::RoomEvent, keyspaces::EVENT_TIME};

/// How many rows are read at once.
const PAGE: usize = 50;
/// How many events one request looks at, at most.
const MOST_SCANNED: usize = 1000;

impl Rooms {
    /// The event of a room that was sent closest to a time, in a direction from it, as a user may see
    /// the room. Of several that were sent at once it is the nearest in that direction
    /// ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event)).
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::NoEventThen`]; when the store fails.
    pub async fn event_at(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        time: MilliSecondsSinceUnixEpoch,
        direction: Direction,
    ) -> Result<Arc<RoomEvent>, RoomError> {
        let view = self.view(snapshot, user_id, room_id).await?;
        let time = u64::from(time.0);
        let in_rows =
            self.event_in_rows(snapshot, user_id, &view, room_id, time, direction).await?;
        let trailing =
            self.event_behind_rows(snapshot, user_id, &view, room_id, time, direction).await?;
        in_rows
            .into_iter()
            .chain(trailing)
            .min_by(|one, other| match direction {
                Direction::Forward => moment(one).cmp(&moment(other)),
                Direction::Backward => moment(other).cmp(&moment(one)),
            })
            .ok_or(RoomError::NoEventThen)
    }

    /// Among the events that have a row.
    async fn event_in_rows(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        view: &RoomView,
        room_id: &RoomId,
        time: u64,
        direction: Direction,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        let mut range = match direction {
            Direction::Forward => EVENT_TIME.prefix((room_id,)).from((room_id, time, Stamp::MIN)),
            Direction::Backward => EVENT_TIME.prefix((room_id,)).up_to((room_id, time, Stamp::MAX)),
        };
        let mut scanned = 0;
        loop {
            let rows = snapshot.scan(&EVENT_TIME, range, PAGE, direction).await?;
            let last = rows.last().map(|row| (row.key.1, row.key.2));
            scanned += rows.len();
            let is_last = rows.len() < PAGE || scanned >= MOST_SCANNED;
            for row in rows {
                let Ok(event_id) = <&EventId>::try_from(&*row.value) else { continue };
                let Some(event) = self.event(snapshot, event_id).await? else { continue };
                if self.may_see(snapshot, user_id, view.user_room.as_ref(), &event).await? {
                    return Ok(Some(event));
                }
            }
            let Some((time, stamp)) = last.filter(|_| !is_last) else { return Ok(None) };
            range = match direction {
                Direction::Forward => EVENT_TIME.prefix((room_id,)).after((room_id, time, stamp)),
                Direction::Backward => EVENT_TIME.prefix((room_id,)).before((room_id, time, stamp)),
            };
        }
    }

    /// Among the last few events, whose rows are still to be written.
    async fn event_behind_rows(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        view: &RoomView,
        room_id: &RoomId,
        time: u64,
        direction: Direction,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        let mut events = self.trailing_events(snapshot, room_id).await?;
        events.retain(|event| match direction {
            Direction::Forward => moment(event).0 >= time,
            Direction::Backward => moment(event).0 <= time,
        });
        events.sort_by_key(moment);
        if direction == Direction::Backward {
            events.reverse();
        }
        for event in events {
            if self.may_see(snapshot, user_id, view.user_room.as_ref(), &event).await? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}

/// When an event says that it was sent, then its place on the timeline.
fn moment(event: &Arc<RoomEvent>) -> (u64, Option<Stamp>) {
    (u64::from(event.pdu.origin_server_ts().0), event.stamp)
}
