use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use pli_events::{Pdu, PduTemplate, auth_event_types, room_version_rules};
use pli_store::{Batch, CommitError, Expect, Position, Stamp, Touch};
use ruma::{
    EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId,
    RoomVersionId, UInt,
    events::{StateEventType, TimelineEventType},
    room_version_rules::RoomVersionRules,
    state_res,
};
use serde_json::value::RawValue;

use super::{ClientTransaction, KnownRoom, Operation};
use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    keyspaces::{EVENT_INDEX, ROOM_HEAD, ROOM_SUMMARY, TIMELINE, TRANSACTION},
    lazy_snapshot::LazySnapshot,
    rows::{EventPlace, Extremity, RoomHead, RoomSummary, TransactionRow, UserRoomRow, WrittenAt},
    state::{NodeOverlay, StateChange, StateDifference, StateRoot, StateTree},
};

/// The most events that a new event may follow.
const MAX_PREV_EVENTS: usize = pli_events::MAX_PREV_EVENTS;

/// An event that somebody wants to append, before it has a place.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) sender: OwnedUserId,
    pub(crate) event_type: TimelineEventType,
    pub(crate) state_key: Option<String>,
    pub(crate) content: Box<RawValue>,
    pub(crate) redacts: Option<OwnedEventId>,
    /// When it was sent; now, if the sender doesn't say.
    pub(crate) timestamp: Option<MilliSecondsSinceUnixEpoch>,
}

impl NewEvent {
    pub(crate) fn state(
        sender: &ruma::UserId,
        event_type: TimelineEventType,
        state_key: impl Into<String>,
        content: Box<RawValue>,
    ) -> Self {
        Self {
            sender: sender.to_owned(),
            event_type,
            state_key: Some(state_key.into()),
            content,
            redacts: None,
            timestamp: None,
        }
    }
}

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
    pub(crate) summary: RoomSummary,
    pub(crate) summary_changed: bool,
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
    /// Cached events that the batch replaces by their redacted form.
    pub(crate) redacted: Vec<Arc<RoomEvent>>,
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
        let rules = room_version_rules(&head.room_version)?;
        Ok(Self {
            head_version: Some(known.head_version),
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
        };
        let config = &rooms.inner.config;
        let pdu = template.build(rules, &config.server_name, &rooms.inner.signing_key)?;
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
            redacted: Vec::new(),
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
        let appended_before = self.appended.len();
        let event_id = operation.run(self).await?;
        if let Some(transaction) = transaction {
            if let Some(Appended { event, .. }) = self.appended.get_mut(appended_before) {
                event.transaction = Some(transaction.sender_transaction());
            }
            let ts = self.rooms.inner.ambient.now();
            let row = TransactionRow { event_id: event_id.clone(), ts };
            self.batch.require(&TRANSACTION, transaction.key(), Expect::Absent).put(
                &TRANSACTION,
                transaction.key(),
                &row,
            );
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

    /// Builds an event on the room's head, checks that its sender may send it, and appends it.
    pub(crate) async fn append(&mut self, new: NewEvent) -> Result<OwnedEventId, RoomError> {
        let rules = self.rules;
        let auth_types = auth_event_types(
            &new.event_type,
            &new.sender,
            new.state_key.as_deref(),
            &new.content,
            rules,
        )
        .map_err(RoomError::from_content)?;
        // Usually all branches are brought together, and the state before the event is the room's.
        let parents =
            self.head.extremities[..self.head.extremities.len().min(MAX_PREV_EVENTS)].to_vec();
        let merges_all = parents.len() == self.head.extremities.len();
        let state_before = if merges_all {
            self.head.state
        } else {
            let branches: Vec<_> = parents.iter().map(|parent| parent.state_after).collect();
            self.resolve(&branches).await?
        };
        let auth_state = self.auth_state(state_before, &auth_types).await?;
        let auth_events = auth_state.named_in_auth_events();
        let replaces_state = match &new.state_key {
            Some(state_key) => {
                let states = &self.rooms.inner.states;
                let event_type = new.event_type.to_string();
                states
                    .get_from(&self.source, &self.nodes, state_before, &event_type, state_key)
                    .await?
            }
            None => None,
        };

        let deepest = parents.iter().map(|parent| parent.depth).max().unwrap_or(0);
        let depth = UInt::new_saturating(deepest.saturating_add(1)).min(pli_events::MAX_DEPTH);
        let template = PduTemplate {
            room_id: Some(self.room_id.clone()),
            sender: new.sender,
            event_type: new.event_type,
            state_key: new.state_key,
            content: new.content,
            redacts: new.redacts,
            prev_events: parents.iter().map(|parent| parent.event_id.clone()).collect(),
            auth_events,
            depth,
            origin_server_ts: new.timestamp.unwrap_or_else(|| self.rooms.inner.ambient.now()),
            replaces_state: replaces_state.clone(),
        };
        let config = &self.rooms.inner.config;
        let pdu = template.build(rules, &config.server_name, &self.rooms.inner.signing_key)?;

        // The state before the event is the room's current state, and its auth events are taken from
        // it: one check stands for all three.
        state_res::check_state_dependent_auth_rules(
            &rules.authorization,
            &pdu,
            |event_type: &StateEventType, state_key: &str| auth_state.get(event_type, state_key),
        )
        .map_err(RoomError::Forbidden)?;
        if merges_all {
            return self.append_checked(pdu, replaces_state).await;
        }
        self.accept(&pdu, state_before, false).await?;
        Ok(pdu.event_id().to_owned())
    }

    /// Appends an event that follows the whole head and that has been authorised.
    async fn append_checked(
        &mut self,
        pdu: Pdu,
        replaces_state: Option<OwnedEventId>,
    ) -> Result<OwnedEventId, RoomError> {
        let event_id = pdu.event_id().to_owned();
        let state_before = self.head.state;
        let mut differences = Vec::new();
        let mut room_state = state_before;
        if let Some(state_key) = pdu.state_key() {
            let event_type = pdu.event_type().to_string();
            let change = StateChange {
                event_type: event_type.clone(),
                state_key: state_key.to_owned(),
                event_id: Some(event_id.clone()),
            };
            room_state = self.apply(state_before, &[change]).await?;
            differences.push(StateDifference {
                event_type,
                state_key: state_key.to_owned(),
                before: replaces_state,
                after: Some(event_id.clone()),
            });
        }
        let depth = u64::from(pdu.depth());
        self.head.extremities =
            vec![Extremity { event_id: event_id.clone(), state_after: room_state, depth }];
        self.head.state = room_state;
        self.push(RoomEvent::new(pdu, state_before, room_state), false);
        self.take_effect(&differences).await?;
        let appended = self.known_event(&event_id).await?;
        self.redact_target_of(&appended).await?;
        Ok(event_id)
    }

    pub(crate) async fn apply(
        &mut self,
        root: StateRoot,
        changes: &[StateChange],
    ) -> Result<StateRoot, RoomError> {
        let rooms = self.rooms;
        rooms.inner.states.apply(&self.source, &mut self.nodes, root, changes).await
    }

    /// Puts an event into the batch.
    pub(crate) fn push(&mut self, event: RoomEvent, was_outlier: bool) {
        let index = self.next_index();
        if !event.is_hidden() && is_activity(event.pdu.event_type()) {
            self.head.bumped = WrittenAt::ThisVersion(index);
        }
        self.appended_by_id.insert(event.event_id().to_owned(), Arc::new(event.clone()));
        self.appended.push(Appended { event, was_outlier });
    }

    /// Changes the event that was put into the batch last.
    pub(crate) fn amend_last(&mut self, amend: impl FnOnce(&mut RoomEvent)) -> Arc<RoomEvent> {
        let last = self.appended.last_mut().expect("called after an event was put into the batch");
        amend(&mut last.event);
        let event = Arc::new(last.event.clone());
        self.appended_by_id.insert(event.event_id().to_owned(), Arc::clone(&event));
        event
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

    /// The state that the authorisation of an event looks at.
    pub(crate) async fn auth_state(
        &self,
        root: StateRoot,
        auth_types: &[(StateEventType, String)],
    ) -> Result<AuthState, RoomError> {
        let create = (StateEventType::RoomCreate, String::new());
        let names_create = auth_types.contains(&create);
        let mut events = Vec::with_capacity(auth_types.len() + 1);
        for (event_type, state_key) in auth_types {
            let event = self.state_event_at(root, &event_type.to_string(), state_key).await?;
            events.extend(event.map(|event| event.pdu.clone()));
        }
        // Since version 12 the create event is not among the auth events, but it still decides.
        let create_event_id = self.head.create_event_id.clone();
        let mut unnamed_create = None;
        if !names_create && !root.is_empty() {
            unnamed_create = Some(self.known_event(&create_event_id).await?.pdu.clone());
        }
        Ok(AuthState { events, unnamed_create })
    }

    /// Commits everything.
    pub(crate) async fn commit(mut self) -> Result<Position, CommitError> {
        // Nothing is read any more: the snapshot must not wait for the disk.
        drop(self.source);
        let room_id = &self.room_id;
        let mut batch = std::mem::take(&mut self.batch);
        batch.require(&ROOM_HEAD, room_id, Expect::unchanged(self.head_version));
        for (position, Appended { event, was_outlier }) in self.appended.iter().enumerate() {
            let index = batch.append(&TIMELINE, (room_id,), &event.to_stored());
            debug_assert_eq!(usize::from(index), position, "only events are appended here");
            let place = EventPlace::Live { room_id: room_id.clone(), index };
            if *was_outlier {
                batch.delete(&crate::keyspaces::OUTLIER, event.event_id());
            }
            batch.put(&EVENT_INDEX, event.event_id(), &place);
        }
        batch.put(&ROOM_HEAD, room_id, &self.head);
        if self.summary_changed || self.head_version.is_none() {
            batch.put(&ROOM_SUMMARY, room_id, &self.summary);
        }
        for (user_id, pending) in &self.user_rooms {
            batch.put(&crate::keyspaces::USER_ROOM, (user_id, room_id), &pending.row);
        }
        StateTree::write(&self.nodes, &mut batch);
        batch.touch(Touch::Room(room_id.clone()));
        for touch in self.touched.drain() {
            batch.touch(touch);
        }

        let position = self.rooms.inner.store.commit(batch).await?;

        let inner = &self.rooms.inner;
        inner.states.committed(&self.nodes);
        for (index, Appended { event, .. }) in self.appended.into_iter().enumerate() {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            let stamp = Stamp { index, ..Stamp::first_at(position) };
            let event = Arc::new(RoomEvent { stamp: Some(stamp), ..event });
            inner.events.insert(event.event_id().to_owned(), event);
        }
        for event in self.redacted {
            inner.events.insert(event.event_id().to_owned(), event);
        }
        let known = KnownRoom { head: self.head, head_version: position, summary: self.summary };
        inner.log.know(&self.room_id, known);
        Ok(position)
    }
}

/// The state events that decide whether an event is allowed.
pub(crate) struct AuthState {
    events: Vec<Pdu>,
    unnamed_create: Option<Pdu>,
}

impl AuthState {
    pub(crate) fn get(&self, event_type: &StateEventType, state_key: &str) -> Option<Pdu> {
        let matches = |pdu: &&Pdu| {
            pdu.state_key() == Some(state_key)
                && *pdu.event_type() == TimelineEventType::from(event_type.clone())
        };
        self.events.iter().chain(&self.unnamed_create).find(matches).cloned()
    }

    fn named_in_auth_events(&self) -> Vec<OwnedEventId> {
        self.events.iter().map(|pdu| pdu.event_id().to_owned()).collect()
    }
}

/// Whether an event moves its room up in people's lists.
fn is_activity(event_type: &TimelineEventType) -> bool {
    matches!(
        event_type,
        TimelineEventType::RoomCreate
            | TimelineEventType::RoomMessage
            | TimelineEventType::RoomEncrypted
            | TimelineEventType::Sticker
            | TimelineEventType::CallInvite
    )
}
