//! Noting what refers to what, and when it was sent, of events that were appended before that was noted.

use std::sync::Arc;

use pli_store::{Direction, Stamp};
use ruma::EventId;

use super::{PendingThread, RoomTransaction, annotation_of};
use crate::{
    error::RoomError,
    event::RoomEvent,
    keyspaces::{ANNOTATION, EVENT_TIME, RELATION, THREAD_PARTICIPANT},
    relation::{Relation, can_be_thread_root},
    rows::{Related, RelationRow},
};

impl RoomTransaction<'_> {
    /// Notes of an event of the room what was not noted when it was appended. Events are to be given
    /// in the order of the timeline, and any number of times.
    pub(crate) async fn note_again(&mut self, event: &Arc<RoomEvent>) -> Result<(), RoomError> {
        let Some(stamp) = event.stamp.filter(|_| !event.is_hidden()) else { return Ok(()) };
        self.note_time_again(event, stamp).await?;
        if event.redacted_by.is_some() || event.pdu.state_key().is_some() {
            return Ok(());
        }
        self.relate_again(event, stamp).await
    }

    async fn note_time_again(&mut self, event: &RoomEvent, stamp: Stamp) -> Result<(), RoomError> {
        let room_id = &self.room_id;
        let time = u64::from(event.pdu.origin_server_ts().0);
        let of_batch = EVENT_TIME
            .prefix((room_id, time))
            .from((room_id, time, Stamp { index: 0, ..stamp }))
            .up_to((room_id, time, Stamp { index: u16::MAX, ..stamp }));
        let snapshot = self.source.get().await?;
        let all = usize::from(u16::MAX);
        let rows = snapshot.scan(&EVENT_TIME, of_batch, all, Direction::Forward).await?;
        if rows.iter().all(|row| row.value != event.event_id().as_str()) {
            let event_id = event.event_id().to_string();
            self.batch.put(&EVENT_TIME, (room_id, time, stamp), &event_id);
        }
        Ok(())
    }

    async fn relate_again(
        &mut self,
        child: &Arc<RoomEvent>,
        stamp: Stamp,
    ) -> Result<(), RoomError> {
        let Some(relation) = Relation::of(child) else { return Ok(()) };
        let parent = self.event(&relation.parent).await?;
        if parent.as_ref().is_some_and(|parent| parent.pdu.room_id() != self.room_id)
            || self.relation_row(&relation.parent, child, stamp).await?.is_some()
        {
            return Ok(());
        }
        let row = RelationRow {
            event_id: child.event_id().to_owned(),
            rel_type: relation.rel_type.clone(),
            event_type: child.pdu.event_type().to_string(),
            sender: child.pdu.sender().to_owned(),
            index: stamp.index,
        };
        // As if it had been written with the event: at its place, not at the end.
        self.batch.put(&RELATION, (&self.room_id, &relation.parent, stamp), &row);
        if let Some(annotation) = annotation_of(&relation, &row) {
            let key = (&self.room_id, &relation.parent, annotation);
            if self.relations.annotations.insert((relation.parent.clone(), annotation))
                && self.source.get().await?.get(&ANNOTATION, key).await?.is_none()
            {
                self.batch.put(&ANNOTATION, key, &row.event_id.to_string());
            }
        }
        match parent {
            Some(parent) if relation.rel_type == "m.thread" && can_be_thread_root(&parent) => {
                self.mark_related(&parent, Related { threaded: true, ..Related::default() })
                    .await?;
                self.add_earlier_reply(parent.event_id(), child, stamp).await
            }
            Some(parent) if relation.rel_type != "m.thread" => {
                self.aggregate(&parent, &relation.rel_type, child).await
            }
            _ => Ok(()),
        }
    }

    /// Counts a reply that may be older than others that are counted already.
    async fn add_earlier_reply(
        &mut self,
        root: &EventId,
        reply: &RoomEvent,
        stamp: Stamp,
    ) -> Result<(), RoomError> {
        let former = self.take_thread(root).await?;
        let participant = (&self.room_id, root, reply.pdu.sender());
        self.batch.add(&THREAD_PARTICIPANT, participant, 1);
        let mut thread = former.unwrap_or_else(|| PendingThread {
            root: root.to_owned(),
            count: 0,
            latest_event_id: reply.event_id().to_owned(),
            former_order: None,
            order: Some(stamp),
        });
        thread.count += 1;
        // One that has no place yet is at the end.
        if thread.order.is_some_and(|order| order < stamp) {
            reply.event_id().clone_into(&mut thread.latest_event_id);
            thread.order = Some(stamp);
        }
        self.relations.threads.push(thread);
        Ok(())
    }
}
