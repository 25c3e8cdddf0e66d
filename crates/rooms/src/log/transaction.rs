//! A room's changes before they are committed.

mod append;
mod authorise;
mod commit;
mod new_event;
mod rewrite;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use pli_events::{EarlyFormat, Pdu, PduTemplate, room_version_rules};
use pli_store::{Batch, Expect, Position, Stamp, Touch};
use ruma::{
    EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId, UInt,
    events::StateEventType, room_version_rules::RoomVersionRules, state_res,
};

pub(crate) use self::new_event::NewEvent;
use super::{ClientTransaction, KnownRoom, Operation, Trailing, relations::PendingRelations};
use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    keyspaces::{ROOM_HEAD, TRANSACTION},
    lazy_snapshot::LazySnapshot,
    rows::{RoomHead, RoomSummary, StickyRow, TransactionRow, UserRoomRow, WrittenAt},
    state::{NodeOverlay, StateRoot},
};

/// An event that is part of the batch being built.
pub(crate) struct Appended {
    pub(crate) event: RoomEvent,
    /// It wasn't known before, or only as an outlier.
    pub(crate) was_outlier: bool,
}

/// What the user-room rows of a batch are made from.
pub(crate) struct PendingUserRoom {
    pub(crate) row: UserRoomRow,
}

/// A room with changes that are not committed yet.
pub(crate) struct RoomTransaction<'a> {
    pub(crate) rooms: &'a Rooms,
    pub(crate) source: LazySnapshot<'a>,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) rules: &'static RoomVersionRules,
    pub(crate) head: RoomHead,
    head_version: Option<Position>,
    /// The events of earlier batches whose rows are not all written yet.
    pub(super) trailing: Vec<Trailing>,
    pub(crate) summary: RoomSummary,
    pub(crate) summary_changed: bool,
    /// Whether guests could come in before this batch.
    guests_could_join: bool,
    pub(crate) nodes: NodeOverlay,
    pub(crate) appended: Vec<Appended>,
    appended_by_id: HashMap<OwnedEventId, Arc<RoomEvent>>,
    pub(crate) user_rooms: HashMap<OwnedUserId, PendingUserRoom>,
    client_transactions: HashMap<ClientTransaction, OwnedEventId>,
    /// Whatever else is written with the events.
    pub(crate) batch: Batch,
    /// Redactions of this batch whose target isn't known yet: target, redaction.
    pub(crate) early_redactions: HashMap<OwnedEventId, OwnedEventId>,
    touched: HashSet<Touch>,
    /// Events that were on the timeline before, as the batch rewrites them.
    pub(crate) rewritten: HashMap<OwnedEventId, Arc<RoomEvent>>,
    /// What refers to what.
    pub(crate) relations: PendingRelations,
    /// Those of the appended events that stick.
    pub(crate) sticky: Vec<StickyRow>,
}

impl<'a> RoomTransaction<'a> {
    /// Continues a room from its head.
    pub(crate) fn open(
        rooms: &'a Rooms,
        source: LazySnapshot<'a>,
        room_id: &RoomId,
        known: &KnownRoom,
    ) -> Result<Self, RoomError> {
        let mut head = known.head.clone();
        head.bumped = head.bumped.settled(known.head_version);
        head.settled.get_or_insert_with(|| Stamp::last_at(known.head_version));
        let rules = room_version_rules(&head.room_version)?;
        Ok(Self {
            head_version: Some(known.head_version),
            trailing: known.trailing.clone(),
            ..Self::with(rooms, source, room_id.to_owned(), rules, head, known.summary.clone())
        })
    }

    /// Begins a room with its create event. For rooms of version 12 the event gives the room's id.
    pub(crate) async fn create(
        rooms: &'a Rooms,
        source: LazySnapshot<'a>,
        room_id: Option<OwnedRoomId>,
        room_version: &RoomVersionId,
        create: NewEvent,
    ) -> Result<Self, RoomError> {
        let rules = room_version_rules(room_version)?;
        let timestamp = create.timestamp.unwrap_or_else(|| rooms.inner.ambient.now());
        let template = PduTemplate {
            room_id,
            sender: create.sender,
            event_type: create.event_type,
            state_key: create.state_key,
            content: create.content,
            redacts: None,
            prev_events: Vec::new(),
            auth_events: Vec::new(),
            depth: UInt::from(1_u32),
            origin_server_ts: timestamp,
            replaces_state: None,
            sticky: None,
        };
        let early = if rules.event_format.require_event_id {
            let event_id = rooms.new_event_id()?;
            Some(EarlyFormat { event_id, reference_hashes: BTreeMap::new() })
        } else {
            None
        };
        let pdu = rooms.sign(template, early.as_ref(), rules)?;
        let no_event = |_: &EventId| None::<Pdu>;
        state_res::check_state_independent_auth_rules(&rules.authorization, &pdu, no_event)
            .map_err(RoomError::InvalidRoomState)?;
        let head = RoomHead {
            room_version: room_version.clone(),
            create_event_id: pdu.event_id().to_owned(),
            extremities: Vec::new(),
            state: StateRoot::EMPTY,
            bumped: WrittenAt::ThisVersion(0),
            oldest_order: 0,
            settled: Some(Stamp::last_at(Position::ZERO)),
        };
        let room_id = pdu.room_id().to_owned();
        let summary = RoomSummary::new(room_version.clone());
        let mut transaction = Self::with(rooms, source, room_id, rules, head, summary);
        transaction.append_checked(pdu, None).await?;
        Ok(transaction)
    }

    fn with(
        rooms: &'a Rooms,
        source: LazySnapshot<'a>,
        room_id: OwnedRoomId,
        rules: &'static RoomVersionRules,
        head: RoomHead,
        summary: RoomSummary,
    ) -> Self {
        Self {
            rooms,
            source,
            room_id,
            rules,
            head,
            head_version: None,
            trailing: Vec::new(),
            guests_could_join: summary.guest_can_join,
            summary,
            summary_changed: false,
            nodes: NodeOverlay::new(),
            appended: Vec::new(),
            appended_by_id: HashMap::new(),
            user_rooms: HashMap::new(),
            client_transactions: HashMap::new(),
            batch: Batch::new(),
            early_redactions: HashMap::new(),
            touched: HashSet::new(),
            rewritten: HashMap::new(),
            relations: PendingRelations::default(),
            sticky: Vec::new(),
        }
    }

    /// Whether there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.appended.is_empty() && self.batch.is_empty()
    }

    /// Whether the room's head is still the one that this builds on.
    pub(crate) async fn is_up_to_date(&self) -> Result<bool, RoomError> {
        let head = self.source.get().await?.get_versioned(&ROOM_HEAD, &self.room_id).await?;
        Ok(head.map(|(_, version)| version) == self.head_version)
    }

    /// Carries out an operation; a repeated client transaction gives the event that it made.
    pub(crate) async fn run(
        &mut self,
        operation: &dyn Operation,
    ) -> Result<OwnedEventId, RoomError> {
        let transaction = operation.client_transaction();
        if let Some(event_id) =
            transaction.and_then(|transaction| self.client_transactions.get(transaction))
        {
            return Ok(event_id.clone());
        }
        if let Some(transaction) = transaction
            && let Some(event_id) = self.made_lately(transaction).await?
        {
            return Ok(event_id);
        }
        let appended_before = self.appended.len();
        let event_id = operation.run(self).await?;
        if let Some(transaction) = transaction {
            let mut row_follows = false;
            if let Some(Appended { event, .. }) = self.appended.get_mut(appended_before) {
                event.transaction = Some(transaction.sender_transaction());
                row_follows = ClientTransaction::of_message(event).as_ref() == Some(transaction);
            }
            self.batch.require(&TRANSACTION, transaction.key(), Expect::Absent);
            if !row_follows {
                let ts = self.rooms.inner.ambient.now();
                let row = TransactionRow { event_id: event_id.clone(), ts };
                self.batch.put(&TRANSACTION, transaction.key(), &row);
            }
            self.client_transactions.insert(transaction.clone(), event_id.clone());
        }
        Ok(event_id)
    }

    /// An event: of this batch, or committed.
    pub(crate) async fn event(
        &self,
        event_id: &EventId,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        if let Some(event) = self.appended_by_id.get(event_id) {
            return Ok(Some(Arc::clone(event)));
        }
        if let Some(event) = self.rewritten.get(event_id) {
            return Ok(Some(Arc::clone(event)));
        }
        self.rooms.event_from(&self.source, event_id).await
    }

    /// Whether an event is part of the batch being built.
    pub(crate) fn is_pending(&self, event_id: &EventId) -> bool {
        self.appended_by_id.contains_key(event_id)
    }

    /// An event that must be there.
    pub(crate) async fn known_event(
        &self,
        event_id: &EventId,
    ) -> Result<Arc<RoomEvent>, RoomError> {
        let missing = || RoomError::MissingEvent(event_id.to_owned());
        self.event(event_id).await?.ok_or_else(missing)
    }

    /// A state event of the room's current state.
    pub(crate) async fn state_event(
        &self,
        event_type: &StateEventType,
        state_key: &str,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        self.state_event_at(self.head.state, &event_type.to_string(), state_key).await
    }

    pub(crate) async fn state_event_at(
        &self,
        root: StateRoot,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        let states = &self.rooms.inner.states;
        let found = states.get_from(&self.source, &self.nodes, root, event_type, state_key).await?;
        match found {
            Some(event_id) => self.known_event(&event_id).await.map(Some),
            None => Ok(None),
        }
    }

    /// The index that the next appended event gets.
    pub(crate) fn next_index(&self) -> u16 {
        u16::try_from(self.appended.len()).unwrap_or(u16::MAX)
    }

    /// The index of the event that was appended last.
    pub(crate) fn last_index(&self) -> u16 {
        self.next_index().saturating_sub(1)
    }

    pub(crate) fn touch(&mut self, touch: Touch) {
        self.touched.insert(touch);
    }
}
