//! What the authorisation of an event looks at.

use pli_events::Pdu;
use ruma::{
    OwnedEventId,
    events::{StateEventType, TimelineEventType},
};

use super::RoomTransaction;
use crate::{error::RoomError, state::StateRoot};

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

    pub(super) fn named_in_auth_events(&self) -> Vec<OwnedEventId> {
        self.events.iter().map(|pdu| pdu.event_id().to_owned()).collect()
    }
}

impl RoomTransaction<'_> {
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
}
