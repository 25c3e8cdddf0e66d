//! Rewriting events that are on the timeline already.

use std::sync::Arc;

use pli_store::Stamp;

use super::RoomTransaction;
use crate::{error::RoomError, event::RoomEvent, keyspaces::TIMELINE};

impl RoomTransaction<'_> {
    /// An event of the timeline as it stands now: as this batch rewrote it, or as it is in the store.
    /// The one in memory may be older than that, as other nodes rewrite events too: written back, it
    /// would undo their redactions.
    ///
    /// The batch requires the head that the room had before anything was read, and whoever rewrites
    /// an event writes the head as well: if the row changes before the commit, the batch is built
    /// again.
    pub(crate) async fn to_rewrite(
        &self,
        event: &RoomEvent,
        stamp: Stamp,
    ) -> Result<Arc<RoomEvent>, RoomError> {
        if let Some(rewritten) = self.rewritten.get(event.event_id()) {
            return Ok(Arc::clone(rewritten));
        }
        let missing = || RoomError::MissingEvent(event.event_id().to_owned());
        let snapshot = self.source.get().await?;
        let row = snapshot.get(&TIMELINE, (&self.room_id, stamp)).await?.ok_or_else(missing)?;
        RoomEvent::read(row, Some(stamp)).map(Arc::new)
    }

    /// Puts another form of an event into its place on the timeline.
    pub(crate) fn rewrite(&mut self, event: RoomEvent, stamp: Stamp) {
        self.batch.put(&TIMELINE, (&self.room_id, stamp), &event.to_stored());
        self.rewritten.insert(event.event_id().to_owned(), Arc::new(event));
    }
}
