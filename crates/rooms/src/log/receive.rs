//! Events that were built elsewhere.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use pli_events::{Pdu, auth_event_types};
use ruma::{
    EventId, OwnedEventId,
    events::{StateEventType, TimelineEventType},
    state_res,
};

use super::{Operation, RoomTransaction};
use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    keyspaces::REDACTION,
    rows::Extremity,
    state::{StateChange, StateRoot},
};

/// Takes in an event from another server whose signatures and hashes have been checked, and whose
/// `prev_events` and `auth_events` are known here
/// ([specification](https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu)).
pub(crate) struct Receive {
    pub(crate) pdu: Pdu,
}

impl Operation for Receive {
    fn run<'a>(
        &'a self,
        transaction: &'a mut RoomTransaction<'_>,
    ) -> BoxFuture<'a, Result<OwnedEventId, RoomError>> {
        Box::pin(transaction.receive(&self.pdu))
    }
}

impl Rooms {
    /// Takes in an event from another server: decides its state, whether it is rejected or
    /// soft-failed, and appends it. An event that is on the timeline already changes nothing.
    ///
    /// The caller has checked the event's signatures and hashes and has made sure that its
    /// `prev_events` and `auth_events` are known.
    ///
    /// # Errors
    /// [`RoomError::UnknownEvent`] names a previous or auth event that isn't known; nothing was
    /// written. [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn receive(&self, pdu: Pdu) -> Result<OwnedEventId, RoomError> {
        let room_id = pdu.room_id().to_owned();
        self.submit(&room_id, Receive { pdu }).await
    }
}

/// What the checks made of an event.
enum Verdict {
    Accepted,
    SoftFailed,
    Rejected,
}

impl RoomTransaction<'_> {
    async fn receive(&mut self, pdu: &Pdu) -> Result<OwnedEventId, RoomError> {
        let event_id = pdu.event_id().to_owned();
        let known = self.event(&event_id).await?;
        let was_outlier = known.as_ref().is_some_and(|known| known.stamp.is_none());
        if known.is_some() && (self.is_pending(&event_id) || !was_outlier) {
            return Ok(event_id);
        }
        // What it redacts is rewritten in the batch after the one that appends it.
        if let Some(target) = pdu.redacts(&self.rules.redaction)
            && self.is_pending(target)
        {
            return Err(RoomError::AfterCommit);
        }

        let state_before = self.state_before(pdu).await?;
        let verdict = self.judge(pdu, state_before).await?;
        match verdict {
            Verdict::Accepted => self.accept(pdu, state_before, was_outlier).await?,
            Verdict::SoftFailed => {
                let event = RoomEvent::new(pdu.clone(), state_before, self.head.state);
                self.push(RoomEvent { soft_failed: true, ..event }, was_outlier);
            }
            Verdict::Rejected => {
                let pdu = pdu.clone().with_rejected(true);
                self.push(RoomEvent::new(pdu, state_before, self.head.state), was_outlier);
            }
        }
        Ok(event_id)
    }

    /// The state before an event: the states after the events that it follows, resolved.
    async fn state_before(&mut self, pdu: &Pdu) -> Result<StateRoot, RoomError> {
        if pdu.prev_events().is_empty() {
            return Err(RoomError::InvalidRoomState(
                "only the create event may follow no other event".to_owned(),
            ));
        }
        let mut roots = Vec::with_capacity(pdu.prev_events().len());
        for parent_id in pdu.prev_events() {
            let parent = self.event(parent_id).await?;
            let is_placed = |parent: &std::sync::Arc<RoomEvent>| {
                parent.stamp.is_some() || self.is_pending(parent_id)
            };
            let parent = parent
                .filter(is_placed)
                .ok_or_else(|| RoomError::UnknownEvent(parent_id.clone()))?;
            roots.push(self.state_after(&parent).await?);
        }
        self.resolve(&roots).await
    }

    /// The state after an event along its own branch. A rejected event changes nothing.
    async fn state_after(&mut self, event: &RoomEvent) -> Result<StateRoot, RoomError> {
        let Some(state_key) = event.pdu.state_key().filter(|_| !event.pdu.is_rejected()) else {
            return Ok(event.state_before);
        };
        let change = StateChange {
            event_type: event.pdu.event_type().to_string(),
            state_key: state_key.to_owned(),
            event_id: Some(event.event_id().to_owned()),
        };
        self.apply(event.state_before, &[change]).await
    }

    async fn judge(&self, pdu: &Pdu, state_before: StateRoot) -> Result<Verdict, RoomError> {
        let rules = &self.rules.authorization;
        let mut auth_events: HashMap<OwnedEventId, Pdu> = HashMap::new();
        let create_event_id = &self.head.create_event_id;
        for event_id in pdu.auth_events().iter().chain([create_event_id]) {
            let event = self.event(event_id).await?;
            let event = event.ok_or_else(|| RoomError::UnknownEvent(event_id.clone()))?;
            auth_events.insert(event_id.clone(), event.pdu.clone());
        }

        // It must pass by itself and with the events that it names as its authorisation …
        let fetch_event = |event_id: &EventId| auth_events.get(event_id).cloned();
        if state_res::check_state_independent_auth_rules(rules, pdu, fetch_event).is_err() {
            return Ok(Verdict::Rejected);
        }
        let named = |event_type: &StateEventType, state_key: &str| {
            let event_type = TimelineEventType::from(event_type.clone());
            let matches =
                |pdu: &&Pdu| *pdu.event_type() == event_type && pdu.state_key() == Some(state_key);
            auth_events.values().find(matches).cloned()
        };
        if state_res::check_state_dependent_auth_rules(rules, pdu, named).is_err() {
            return Ok(Verdict::Rejected);
        }
        // … with the state before it …
        let auth_types = auth_event_types(
            pdu.event_type(),
            pdu.sender(),
            pdu.state_key(),
            pdu.content(),
            self.rules,
        )?;
        let before = self.auth_state(state_before, &auth_types).await?;
        let at_event =
            |event_type: &StateEventType, state_key: &str| before.get(event_type, state_key);
        if state_res::check_state_dependent_auth_rules(rules, pdu, at_event).is_err() {
            return Ok(Verdict::Rejected);
        }
        // … and with the room's current state, or it is kept from clients.
        let current = self.auth_state(self.head.state, &auth_types).await?;
        let now = |event_type: &StateEventType, state_key: &str| current.get(event_type, state_key);
        if state_res::check_state_dependent_auth_rules(rules, pdu, now).is_err() {
            return Ok(Verdict::SoftFailed);
        }
        Ok(Verdict::Accepted)
    }

    pub(super) async fn accept(
        &mut self,
        pdu: &Pdu,
        state_before: StateRoot,
        was_outlier: bool,
    ) -> Result<(), RoomError> {
        let event_id = pdu.event_id().to_owned();
        let event = RoomEvent::new(pdu.clone(), state_before, state_before);
        let state_after = self.state_after(&event).await?;

        // The event takes the place of those that it follows; other branches stay open.
        self.head.extremities.retain(|extremity| !pdu.prev_events().contains(&extremity.event_id));
        let depth = u64::from(pdu.depth());
        self.head.extremities.push(Extremity { event_id: event_id.clone(), state_after, depth });
        let branches: Vec<_> =
            self.head.extremities.iter().map(|extremity| extremity.state_after).collect();

        // The resolution needs the event itself.
        self.push(event.clone(), was_outlier);
        let former_state = self.head.state;
        let room_state = self.resolve(&branches).await?;
        self.head.state = room_state;
        let appended = self.amend_last(|event| event.room_state = room_state);

        let states = &self.rooms.inner.states;
        let differences =
            states.diff_from(&self.source, &self.nodes, former_state, room_state).await?;
        self.take_effect(&differences).await?;
        self.redact_target_of(&appended).await?;

        // A redaction of this event may have arrived before it.
        let redacted_by = match self.early_redactions.get(&event_id) {
            Some(redacted_by) => Some(redacted_by.clone()),
            None => {
                let row = self.source.get().await?.get(&REDACTION, &event_id).await?;
                row.map(|row| row.redacted_by)
            }
        };
        if let Some(redacted_by) = redacted_by
            && let Some(redaction) = self.event(&redacted_by).await?
            && self.redaction_applies(&redaction, &appended).await?
        {
            let pruned = self.pruned(&appended, redacted_by)?;
            self.amend_last(|event| *event = pruned);
            return Ok(());
        }
        self.stick(&appended).await?;
        self.relate(&appended).await?;
        self.adopt_relations(&appended).await
    }
}
