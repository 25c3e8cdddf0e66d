use std::sync::Arc;

use pli_store::{Direction, Snapshot, Stamp};
use ruma::{EventId, MilliSecondsSinceUnixEpoch, RoomId, UserId};

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
                    return Ok(event);
                }
            }
            let Some((time, stamp)) = last.filter(|_| !is_last) else {
                return Err(RoomError::NoEventThen);
            };
            range = match direction {
                Direction::Forward => EVENT_TIME.prefix((room_id,)).after((room_id, time, stamp)),
                Direction::Backward => EVENT_TIME.prefix((room_id,)).before((room_id, time, stamp)),
            };
        }
    }
}
