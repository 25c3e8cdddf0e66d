//! Events that stick for a while: they reach everybody who is in the room or comes into it, however
//! much is sent after them ([MSC4354](https://github.com/matrix-org/matrix-spec-proposals/pull/4354)).

use pli_store::Direction;

use super::RoomTransaction;
use crate::{error::RoomError, event::RoomEvent, keyspaces::STICKY_EVENT, rows::StickyRow};

/// How many of a room's rows are looked at, to remove those whose time is over, for each batch that
/// adds some: more than it adds, so that they don't pile up.
const LOOKED_AT: usize = 128;

impl RoomTransaction<'_> {
    /// If an event of this batch sticks: has a row written for it, and notes until when in the room's
    /// summary.
    pub(crate) async fn stick(&mut self, event: &RoomEvent) -> Result<(), RoomError> {
        let now_ms = self.rooms.inner.ambient.now_ms();
        let until_ms = event.pdu.sticky_until_ms(now_ms);
        let Some(until_ms) = until_ms.filter(|until_ms| *until_ms > now_ms) else { return Ok(()) };
        if until_ms > self.summary.sticky_until_ms {
            self.summary.sticky_until_ms = until_ms;
            self.summary_changed = true;
        }
        if self.sticky.is_empty() {
            self.forget_sticky(now_ms).await?;
        }
        self.sticky.push(StickyRow { event_id: event.event_id().to_owned(), until_ms });
        Ok(())
    }

    /// Removes rows of the room whose time is over.
    async fn forget_sticky(&mut self, now_ms: u64) -> Result<(), RoomError> {
        let range = STICKY_EVENT.prefix((&self.room_id,));
        let snapshot = self.source.get().await?;
        for row in snapshot.scan(&STICKY_EVENT, range, LOOKED_AT, Direction::Forward).await? {
            if row.value.until_ms <= now_ms {
                self.batch.delete(&STICKY_EVENT, &row.key);
            }
        }
        Ok(())
    }
}
