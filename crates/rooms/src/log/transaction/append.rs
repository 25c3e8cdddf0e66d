//! Appending events to a transaction.

use std::{collections::BTreeMap, sync::Arc};

use pli_events::{EarlyFormat, Pdu, PduTemplate, auth_event_types};
use ruma::{
    EventId, OwnedEventId, UInt, UserId,
    events::{StateEventType, TimelineEventType, room::member::MembershipState},
    room_version_rules::RoomVersionRules,
    state_res,
};

use super::{Appended, NewEvent, RoomTransaction};
use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    log::effects::MemberContent,
    rows::{Extremity, WrittenAt},
    state::{StateChange, StateDifference, StateRoot},
};

/// The most events that a new event may follow.
const MAX_PREV_EVENTS: usize = pli_events::MAX_PREV_EVENTS;

impl RoomTransaction<'_> {
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
            sticky: new.sticky,
        };
        let pdu = self.build(template).await?;

        // Up to version 5 the rules let every server list its aliases, also without anybody in the
        // room. Of this server's people, only members may.
        if rules.authorization.special_case_room_aliases
            && pdu.event_type().to_string() == "m.room.aliases"
            && !self.is_joined(pdu.sender()).await?
        {
            return Err(RoomError::Forbidden("you are not in this room".to_owned()));
        }
        // The state before the event is the room's current state, and its auth events are taken from
        // it: one check stands for all three.
        state_res::check_state_dependent_auth_rules(
            &rules.authorization,
            &pdu,
            |event_type: &StateEventType, state_key: &str| auth_state.get(event_type, state_key),
        )
        .map_err(RoomError::Forbidden)?;
        let pdu = self.ask_policy_server(pdu).await?;
        if merges_all {
            return self.append_checked(pdu, replaces_state).await;
        }
        self.accept(&pdu, state_before, false).await?;
        Ok(pdu.event_id().to_owned())
    }

    /// Hashes and signs an event of this server.
    async fn build(&self, template: PduTemplate) -> Result<Pdu, RoomError> {
        let mut early = None;
        if self.rules.event_format.require_event_id {
            let mut reference_hashes = BTreeMap::new();
            for event_id in template.prev_events.iter().chain(&template.auth_events) {
                let event = self.known_event(event_id).await?;
                let hash = event.pdu.reference_hash(&self.rules.redaction)?;
                reference_hashes.insert(event_id.clone(), hash);
            }
            let event_id = self.rooms.new_event_id()?;
            early = Some(EarlyFormat { event_id, reference_hashes });
        }
        self.rooms.sign(template, early.as_ref(), self.rules)
    }

    /// Whether somebody is in the room.
    pub(crate) async fn is_joined(&self, user_id: &UserId) -> Result<bool, RoomError> {
        let member = self.state_event(&StateEventType::RoomMember, user_id.as_str()).await?;
        let membership = member.and_then(|member| MemberContent::of(&member).membership);
        Ok(membership == Some(MembershipState::Join))
    }

    /// Appends an event that follows the whole head and that has been authorised.
    pub(super) async fn append_checked(
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
        self.stick(&appended).await?;
        self.relate(&appended).await?;
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

    /// Changes an event of the batch.
    pub(crate) fn amend(&mut self, event_id: &EventId, amend: impl FnOnce(&mut RoomEvent)) {
        let is_it = |appended: &&mut Appended| appended.event.event_id() == event_id;
        let Some(appended) = self.appended.iter_mut().rev().find(is_it) else { return };
        amend(&mut appended.event);
        let event = Arc::new(appended.event.clone());
        self.appended_by_id.insert(event_id.to_owned(), event);
    }

    /// Changes the event that was put into the batch last.
    pub(crate) fn amend_last(&mut self, amend: impl FnOnce(&mut RoomEvent)) -> Arc<RoomEvent> {
        let last = self.appended.last_mut().expect("called after an event was put into the batch");
        amend(&mut last.event);
        let event = Arc::new(last.event.clone());
        self.appended_by_id.insert(event.event_id().to_owned(), Arc::clone(&event));
        event
    }
}

impl Rooms {
    /// Hashes and signs an event with this server's key.
    pub(super) fn sign(
        &self,
        template: PduTemplate,
        early: Option<&EarlyFormat>,
        rules: &RoomVersionRules,
    ) -> Result<Pdu, RoomError> {
        let (server_name, key) = (&self.inner.config.server_name, &self.inner.signing_key);
        Ok(match early {
            Some(early) => template.build_early(early, rules, server_name, key)?,
            None => template.build(rules, server_name, key)?,
        })
    }

    /// An id for an event of a room version whose events are not named after their hash.
    pub(super) fn new_event_id(&self) -> Result<OwnedEventId, RoomError> {
        let localpart = self.inner.ambient.random_string(24);
        OwnedEventId::try_from(format!("${localpart}:{}", self.inner.config.server_name))
            .map_err(|error| RoomError::InvalidParam(format!("not an event id: {error}")))
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
