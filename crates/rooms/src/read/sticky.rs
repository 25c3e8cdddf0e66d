use std::sync::Arc;

use pli_store::{Direction, Snapshot, Stamp};
use ruma::RoomId;

use crate::{
    Rooms, error::RoomError, event::RoomEvent, ignored::IgnoredUsers, keyspaces::STICKY_EVENT,
};

/// How many rows are read at once.
const PAGE: usize = 256;

impl Rooms {
    /// The events of a room that stick and were appended after a stamp, oldest first, at most `most`
    /// of them: without those of ignored users.
    ///
    /// Whoever is in the room may see them, whatever its history visibility is
    /// ([MSC4354](https://github.com/matrix-org/matrix-spec-proposals/pull/4354)).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sticky_events(
        &self,
        snapshot: &Snapshot,
        ignored: &IgnoredUsers,
        room_id: &RoomId,
        mut after: Stamp,
        most: usize,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let now_ms = self.inner.ambient.now_ms();
        let mut found = Vec::new();
        loop {
            let range = STICKY_EVENT.prefix((room_id,)).after((room_id, after));
            let page = snapshot.scan(&STICKY_EVENT, range, PAGE, Direction::Forward).await?;
            let is_last = page.len() < PAGE;
            if let Some(last) = page.last() {
                after = last.key.1;
            }
            let rows = page.into_iter().filter(|row| row.value.until_ms > now_ms);
            let event_ids: Vec<_> = rows.map(|row| row.value.event_id).collect();
            // A redacted event sticks no more.
            let is_told = |event: &Arc<RoomEvent>| {
                event.pdu.sticky().is_some()
                    && !event.is_hidden()
                    && !ignored.contains(event.pdu.sender())
            };
            let events = self.events(snapshot, &event_ids).await?.into_iter().flatten();
            found.extend(events.filter(is_told));
            if is_last || found.len() >= most {
                found.truncate(most);
                return Ok(found);
            }
        }
    }
}
