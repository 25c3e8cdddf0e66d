//! What refers to what: relations of events, the edits that stand for them, their threads.

mod again;

use std::{collections::HashSet, sync::Arc};

use pli_store::{Batch, Direction, Row, Stamp};
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};

use super::{NewEvent, RoomTransaction};
use crate::{
    error::RoomError,
    event::RoomEvent,
    keyspaces::{ANNOTATION, RELATION, REPLACEMENT, THREAD, THREAD_ORDER, THREAD_PARTICIPANT},
    relation::{Relation, annotation_hash, can_be_thread_root, is_valid_edit},
    rows::{Related, RelationRow, ReplacementRow, ThreadOrderRow, ThreadRow, WrittenAt},
};

/// How many relations of one event are looked at when the one that counted is gone.
const MOST_LOOKED_AT: usize = 1000;

/// What a batch writes about relations.
#[derive(Default)]
pub(crate) struct PendingRelations {
    /// The event that is referred to, and what refers to it.
    rows: Vec<(OwnedEventId, RelationRow)>,
    /// In the order of their latest replies.
    threads: Vec<PendingThread>,
    replacements: Vec<(OwnedEventId, Option<ReplacementRow>)>,
    annotations: HashSet<(OwnedEventId, [u8; 32])>,
}

/// A thread as the batch leaves it.
struct PendingThread {
    root: OwnedEventId,
    count: u64,
    latest_event_id: OwnedEventId,
    /// Where it stood among the room's threads.
    former_order: Option<Stamp>,
    /// Where it stands; at the end, if absent.
    order: Option<Stamp>,
}

impl PendingRelations {
    /// Adds what is to be written to a batch that has appended its events.
    pub(crate) fn stage(&self, batch: &mut Batch, room_id: &RoomId) {
        for (parent, row) in &self.rows {
            batch.append(&RELATION, (room_id, parent), row);
        }
        for (original, row) in &self.replacements {
            match row {
                Some(row) => batch.put(&REPLACEMENT, (room_id, original), row),
                None => batch.delete(&REPLACEMENT, (room_id, original)),
            };
        }
        for thread in &self.threads {
            if let Some(former) = thread.former_order {
                batch.delete(&THREAD_ORDER, (room_id, former));
            }
            if thread.count == 0 {
                batch.delete(&THREAD, (room_id, &thread.root));
                continue;
            }
            let place = ThreadOrderRow { root: thread.root.clone() };
            let order = match thread.order {
                Some(stamp) => {
                    batch.put(&THREAD_ORDER, (room_id, stamp), &place);
                    WrittenAt::Earlier(stamp)
                }
                None => WrittenAt::ThisVersion(batch.append(&THREAD_ORDER, (room_id,), &place)),
            };
            let row = ThreadRow {
                count: thread.count,
                latest_event_id: thread.latest_event_id.clone(),
                order,
            };
            batch.put(&THREAD, (room_id, &thread.root), &row);
        }
    }
}

/// What an annotation is told from others by.
fn annotation_of(relation: &Relation, row: &RelationRow) -> Option<[u8; 32]> {
    let key = relation.key.as_deref().filter(|_| relation.rel_type == "m.annotation")?;
    Some(annotation_hash(&row.sender, &row.event_type, key))
}

impl RoomTransaction<'_> {
    /// Checks what somebody here is about to send against what it refers to.
    pub(crate) async fn check_relation(&self, new: &NewEvent) -> Result<(), RoomError> {
        let Some(relation) = Relation::in_content(&new.content) else { return Ok(()) };
        match &*relation.rel_type {
            // No thread grows from what refers to another event itself.
            "m.thread" => match self.event(&relation.parent).await? {
                Some(parent) if !can_be_thread_root(&parent) => Err(RoomError::BadRelation(
                    "a thread can't begin at an event that refers to another one: reply in that \
                     event's thread"
                        .to_owned(),
                )),
                _ => Ok(()),
            },
            // Nobody reacts to an event twice in the same way.
            "m.annotation" => {
                let Some(key) = &relation.key else { return Ok(()) };
                let hash = annotation_hash(&new.sender, &new.event_type.to_string(), key);
                let is_pending =
                    self.relations.annotations.contains(&(relation.parent.clone(), hash));
                let snapshot = self.source.get().await?;
                let key = (&self.room_id, &relation.parent, hash);
                if is_pending || snapshot.get(&ANNOTATION, key).await?.is_some() {
                    return Err(RoomError::DuplicateAnnotation);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Notes what an event refers to that was appended.
    pub(crate) async fn relate(&mut self, child: &Arc<RoomEvent>) -> Result<(), RoomError> {
        // State says what holds; it refers to nothing.
        if child.is_hidden() || child.redacted_by.is_some() || child.pdu.state_key().is_some() {
            return Ok(());
        }
        let Some(relation) = Relation::of(child) else { return Ok(()) };
        let parent = self.event(&relation.parent).await?;
        if parent.as_ref().is_some_and(|parent| parent.pdu.room_id() != self.room_id) {
            return Ok(());
        }
        let row = RelationRow {
            event_id: child.event_id().to_owned(),
            rel_type: relation.rel_type.clone(),
            event_type: child.pdu.event_type().to_string(),
            sender: child.pdu.sender().to_owned(),
            index: self.last_index(),
        };
        if let Some(annotation) = annotation_of(&relation, &row) {
            let key = (&self.room_id, &relation.parent, annotation);
            self.batch.put(&ANNOTATION, key, &row.event_id.to_string());
            self.relations.annotations.insert((relation.parent.clone(), annotation));
        }
        self.relations.rows.push((relation.parent, row));
        match parent {
            Some(parent) => self.aggregate(&parent, &relation.rel_type, child).await,
            // It is counted once what it refers to arrives.
            None => Ok(()),
        }
    }

    /// Counts what referred to an event before it arrived.
    pub(crate) async fn adopt_relations(
        &mut self,
        parent: &Arc<RoomEvent>,
    ) -> Result<(), RoomError> {
        let range = RELATION.prefix((&self.room_id, parent.event_id()));
        let snapshot = self.source.get().await?;
        let rows = snapshot.scan(&RELATION, range, MOST_LOOKED_AT, Direction::Forward).await?;
        for row in rows {
            let Some(child) = self.event(&row.value.event_id).await? else { continue };
            let Some(parent) = self.event(parent.event_id()).await? else { return Ok(()) };
            if child.redacted_by.is_none() {
                self.aggregate(&parent, &row.value.rel_type, &child).await?;
            }
        }
        Ok(())
    }

    async fn aggregate(
        &mut self,
        parent: &Arc<RoomEvent>,
        rel_type: &str,
        child: &RoomEvent,
    ) -> Result<(), RoomError> {
        match rel_type {
            "m.replace" if is_valid_edit(parent, child) => {
                self.mark_related(parent, Related { replaced: true, ..Related::default() }).await?;
                self.replace(parent.event_id(), child).await
            }
            "m.thread" if can_be_thread_root(parent) => {
                self.mark_related(parent, Related { threaded: true, ..Related::default() }).await?;
                self.add_reply(parent.event_id(), child).await
            }
            "m.reference" => {
                self.mark_related(parent, Related { referenced: true, ..Related::default() }).await
            }
            _ => Ok(()),
        }
    }

    /// Notes with an event what is to be found of its relations: once for each kind.
    async fn mark_related(
        &mut self,
        event: &Arc<RoomEvent>,
        related: Related,
    ) -> Result<(), RoomError> {
        if event.related.or(related) == event.related {
            return Ok(());
        }
        if self.is_pending(event.event_id()) {
            self.amend(event.event_id(), |event| event.related = event.related.or(related));
            return Ok(());
        }
        let Some(stamp) = event.stamp else { return Ok(()) };
        let current = self.to_rewrite(event, stamp).await?;
        let marked =
            RoomEvent { related: current.related.or(related), ..Arc::unwrap_or_clone(current) };
        self.rewrite(marked, stamp);
        Ok(())
    }

    async fn replace(&mut self, original: &EventId, edit: &RoomEvent) -> Result<(), RoomError> {
        let row = ReplacementRow {
            origin_server_ts: edit.pdu.origin_server_ts(),
            event_id: edit.event_id().to_owned(),
        };
        // Of all edits the one that was sent last counts, not the one that arrived last.
        if self.replacement(original).await?.is_none_or(|former| former < row) {
            self.set_replacement(original, Some(row));
        }
        Ok(())
    }

    async fn replacement(&self, original: &EventId) -> Result<Option<ReplacementRow>, RoomError> {
        let is_it = |(pending, _): &&(OwnedEventId, _)| pending == original;
        if let Some((_, row)) = self.relations.replacements.iter().find(is_it) {
            return Ok(row.clone());
        }
        let snapshot = self.source.get().await?;
        Ok(snapshot.get(&REPLACEMENT, (&self.room_id, original)).await?)
    }

    fn set_replacement(&mut self, original: &EventId, row: Option<ReplacementRow>) {
        self.relations.replacements.retain(|(pending, _)| pending != original);
        self.relations.replacements.push((original.to_owned(), row));
    }

    async fn add_reply(&mut self, root: &EventId, reply: &RoomEvent) -> Result<(), RoomError> {
        let former = self.take_thread(root).await?;
        let participant = (&self.room_id, root, reply.pdu.sender());
        self.batch.add(&THREAD_PARTICIPANT, participant, 1);
        self.relations.threads.push(PendingThread {
            root: root.to_owned(),
            count: former.as_ref().map_or(0, |former| former.count) + 1,
            latest_event_id: reply.event_id().to_owned(),
            former_order: former.and_then(|former| former.former_order),
            order: None,
        });
        Ok(())
    }

    /// A thread as it is so far, to be put back changed.
    async fn take_thread(&mut self, root: &EventId) -> Result<Option<PendingThread>, RoomError> {
        let pending = self.relations.threads.iter().position(|thread| thread.root == root);
        if let Some(pending) = pending {
            return Ok(Some(self.relations.threads.remove(pending)));
        }
        let snapshot = self.source.get().await?;
        let row = snapshot.get_versioned(&THREAD, (&self.room_id, root)).await?;
        Ok(row.map(|(row, version)| {
            let order = row.order.resolve(version);
            PendingThread {
                root: root.to_owned(),
                count: row.count,
                latest_event_id: row.latest_event_id,
                former_order: Some(order),
                order: Some(order),
            }
        }))
    }

    /// Forgets what an event referred to that is about to be redacted.
    pub(crate) async fn unrelate(&mut self, child: &RoomEvent) -> Result<(), RoomError> {
        let (Some(relation), Some(stamp)) = (Relation::of(child), child.stamp) else {
            return Ok(());
        };
        let parent = &relation.parent;
        let room_id = self.room_id.clone();
        let Some(row) = self.relation_row(parent, child, stamp).await? else { return Ok(()) };
        self.batch.delete(&RELATION, row.key);
        if let Some(annotation) = annotation_of(&relation, &row.value) {
            self.batch.delete(&ANNOTATION, (&room_id, parent, annotation));
        }

        let Some(original) = self.event(parent).await? else { return Ok(()) };
        match &*relation.rel_type {
            "m.replace" => self.take_back_edit(&original, child).await,
            "m.thread" if can_be_thread_root(&original) => {
                self.take_back_reply(&room_id, parent, child).await
            }
            _ => Ok(()),
        }
    }

    /// The row that says that an event refers to another one.
    async fn relation_row(
        &self,
        parent: &EventId,
        child: &RoomEvent,
        stamp: Stamp,
    ) -> Result<Option<Row<(OwnedRoomId, OwnedEventId, Stamp), RelationRow>>, RoomError> {
        let room_id = &self.room_id;
        let batch_rows = RELATION
            .prefix((room_id, parent))
            .from((room_id, parent, Stamp { index: 0, ..stamp }))
            .up_to((room_id, parent, Stamp { index: u16::MAX, ..stamp }));
        let snapshot = self.source.get().await?;
        let rows = snapshot.scan(&RELATION, batch_rows, MOST_LOOKED_AT, Direction::Forward).await?;
        Ok(rows.into_iter().find(|row| row.value.event_id == child.event_id()))
    }

    async fn take_back_edit(
        &mut self,
        original: &RoomEvent,
        edit: &RoomEvent,
    ) -> Result<(), RoomError> {
        let current = self.replacement(original.event_id()).await?;
        if current.is_none_or(|current| current.event_id != edit.event_id()) {
            return Ok(());
        }
        let mut latest: Option<ReplacementRow> = None;
        for (_, other) in self.others(original.event_id(), "m.replace", edit).await? {
            if is_valid_edit(original, &other) {
                let row = ReplacementRow {
                    origin_server_ts: other.pdu.origin_server_ts(),
                    event_id: other.event_id().to_owned(),
                };
                latest = latest.max(Some(row));
            }
        }
        self.set_replacement(original.event_id(), latest);
        Ok(())
    }

    async fn take_back_reply(
        &mut self,
        room_id: &OwnedRoomId,
        root: &EventId,
        reply: &RoomEvent,
    ) -> Result<(), RoomError> {
        let Some(mut thread) = self.take_thread(root).await? else { return Ok(()) };
        self.batch.add(&THREAD_PARTICIPANT, (room_id, root, reply.pdu.sender()), -1);
        thread.count = thread.count.saturating_sub(1);
        if thread.latest_event_id == reply.event_id() && thread.count > 0 {
            let others = self.others(root, "m.thread", reply).await?;
            match others.into_iter().next() {
                Some((stamp, latest)) => {
                    latest.event_id().clone_into(&mut thread.latest_event_id);
                    thread.order = Some(stamp);
                }
                None => thread.count = 0,
            }
        }
        self.relations.threads.push(thread);
        Ok(())
    }

    /// What else refers to an event in the same way and is not redacted, with the stamps of the rows
    /// that say so, the latest first.
    async fn others(
        &self,
        parent: &EventId,
        rel_type: &str,
        but: &RoomEvent,
    ) -> Result<Vec<(Stamp, Arc<RoomEvent>)>, RoomError> {
        let snapshot = self.source.get().await?;
        let range = RELATION.prefix((&self.room_id, parent));
        let rows = snapshot.scan(&RELATION, range, MOST_LOOKED_AT, Direction::Backward).await?;
        let mut others = Vec::new();
        for row in rows {
            if row.value.rel_type != rel_type || row.value.event_id == but.event_id() {
                continue;
            }
            if let Some(event) = self.event(&row.value.event_id).await?
                && event.redacted_by.is_none()
            {
                others.push((row.key.2, event));
            }
        }
        Ok(others)
    }
}
