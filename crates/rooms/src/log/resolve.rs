//! Resolving the states of several branches into one, with ruma's state resolution.

use std::collections::{HashMap, HashSet};

use pli_events::Pdu;
use ruma::{
    EventId, OwnedEventId,
    events::StateEventType,
    state_res::{self, StateMap, utils::event_id_set::EventIdSet},
};

use super::RoomTransaction;
use crate::{
    error::RoomError,
    state::{StateChange, StateRoot},
};

/// All events that the resolution may ask for.
type Events = HashMap<OwnedEventId, Pdu>;

impl RoomTransaction<'_> {
    /// The state that several branches of the room agree on. Only branches that differ cost
    /// anything; it then grows with the room's state and auth chains.
    pub(crate) async fn resolve(&mut self, roots: &[StateRoot]) -> Result<StateRoot, RoomError> {
        let mut distinct = roots.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let &[base, _, ..] = &distinct[..] else {
            return Ok(distinct.first().copied().unwrap_or_default());
        };
        let Some(v2_rules) = self.rules.state_res.v2_rules() else {
            return Err(RoomError::UnsupportedRoomVersion(self.head.room_version.clone()));
        };

        let mut state_maps = Vec::with_capacity(distinct.len());
        for root in &distinct {
            let states = &self.rooms.inner.states;
            let entries = states.entries_from(&self.source, &self.nodes, *root).await?;
            let map: StateMap<OwnedEventId> = entries
                .into_iter()
                .map(|entry| {
                    let event_type = StateEventType::from(&*entry.event_type);
                    ((event_type, entry.state_key.into()), entry.event_id)
                })
                .collect();
            state_maps.push(map);
        }
        let events = self.load_with_auth_chains(&state_maps).await?;
        let auth_chains: Vec<EventIdSet<OwnedEventId>> =
            state_maps.iter().map(|map| auth_chain_of(map.values(), &events)).collect();

        let resolved = state_res::resolve(
            &self.rules.authorization,
            v2_rules,
            &state_maps,
            auth_chains,
            |event_id| events.get(event_id).cloned(),
            |conflicted| Some(conflicted_subgraph(conflicted, &events)),
        )
        .map_err(|error| RoomError::Resolution(error.to_string()))?;

        // Said as changes of one of the states, so that the nodes they share are shared on.
        let base_map = &state_maps[0];
        let mut changes = Vec::new();
        for ((event_type, state_key), event_id) in &resolved {
            if base_map.get(&(event_type.clone(), state_key.clone())) != Some(event_id) {
                changes.push(StateChange {
                    event_type: event_type.to_string(),
                    state_key: state_key.clone(),
                    event_id: Some(event_id.clone()),
                });
            }
        }
        for key in base_map.keys().filter(|key| !resolved.contains_key(*key)) {
            changes.push(StateChange {
                event_type: key.0.to_string(),
                state_key: key.1.clone(),
                event_id: None,
            });
        }
        self.apply(base, &changes).await
    }

    async fn load_with_auth_chains(
        &self,
        state_maps: &[StateMap<OwnedEventId>],
    ) -> Result<Events, RoomError> {
        let mut events = Events::new();
        let mut wanted: HashSet<OwnedEventId> =
            state_maps.iter().flat_map(|map| map.values().cloned()).collect();
        // Rooms whose id is their create event's hash don't name that event among the auth events.
        wanted.insert(self.head.create_event_id.clone());
        while !wanted.is_empty() {
            let mut next = HashSet::new();
            let (pending, stored): (Vec<_>, Vec<_>) =
                wanted.into_iter().partition(|event_id| self.is_pending(event_id));
            let mut loaded = self.rooms.events_from(&self.source, &stored).await?;
            for event_id in &pending {
                loaded.push(self.event(event_id).await?);
            }
            for event in loaded.into_iter().flatten() {
                next.extend(event.pdu.auth_events().iter().cloned());
                events.insert(event.event_id().to_owned(), event.pdu.clone());
            }
            next.retain(|event_id| !events.contains_key(event_id));
            wanted = next;
        }
        Ok(events)
    }
}

/// Everything that the authorisation of these events rests on, directly or not.
fn auth_chain_of<'a>(
    event_ids: impl Iterator<Item = &'a OwnedEventId>,
    events: &'a Events,
) -> EventIdSet<OwnedEventId> {
    let mut chain = EventIdSet::new();
    let auth_events =
        |event_id: &EventId| events.get(event_id).map(Pdu::auth_events).unwrap_or_default();
    let mut open: Vec<&OwnedEventId> =
        event_ids.flat_map(|event_id| auth_events(event_id)).collect();
    while let Some(event_id) = open.pop() {
        if chain.insert(event_id.clone()) {
            open.extend(auth_events(event_id));
        }
    }
    chain
}

/// The events on every path, along auth events, from one conflicted event to another
/// ([specification](https://spec.matrix.org/v1.19/rooms/v12/#state-resolution)).
fn conflicted_subgraph(
    conflicted: &StateMap<Vec<OwnedEventId>>,
    events: &Events,
) -> EventIdSet<OwnedEventId> {
    let starts: HashSet<&OwnedEventId> = conflicted.values().flatten().collect();
    // What is reached from a conflicted event, and whether a conflicted event is reached from it.
    let mut leads_to_conflicted: HashMap<&EventId, bool> = HashMap::new();
    let mut visits: Vec<(&EventId, bool)> =
        starts.iter().map(|event_id| (&***event_id, false)).collect();
    let auth_events =
        |event_id: &EventId| events.get(event_id).map(Pdu::auth_events).unwrap_or_default();
    while let Some((event_id, is_leaving)) = visits.pop() {
        if is_leaving {
            let reaches = auth_events(event_id).iter().any(|auth_event| {
                starts.contains(auth_event)
                    || leads_to_conflicted.get(&**auth_event).copied().unwrap_or(false)
            });
            leads_to_conflicted.insert(event_id, reaches);
        } else if !leads_to_conflicted.contains_key(event_id) {
            leads_to_conflicted.insert(event_id, false);
            visits.push((event_id, true));
            visits.extend(auth_events(event_id).iter().map(|auth_event| (&**auth_event, false)));
        }
    }
    let on_a_path = leads_to_conflicted
        .into_iter()
        .filter(|(event_id, reaches)| *reaches || starts.iter().any(|start| **start == *event_id));
    on_a_path.map(|(event_id, _)| event_id.to_owned()).collect()
}
