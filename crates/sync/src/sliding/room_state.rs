//! Which state of a room is told.

use std::{collections::BTreeSet, sync::Arc};

use pli_rooms::{RoomEvent, RoomSummary, StateDifference, StateRoot};
use ruma::{OwnedEventId, OwnedMxcUri, OwnedUserId, RoomId, serde::Raw};
use serde::Deserialize;

use super::{
    answer::SlidingAnswering, required_state::CombinedState, response::Hero, wanted::Combination,
};
use crate::{
    SyncError,
    state::{MEMBER, heroes},
    timeline::Window,
};

impl SlidingAnswering<'_> {
    /// The changed state that is wanted. Members who are loaded lazily are told when they change, as
    /// long as no part of the timeline is left out.
    pub(crate) fn changed_state(
        &self,
        combination: &Combination,
        changed: &[StateDifference],
        window: &Window,
    ) -> Vec<OwnedEventId> {
        let tells_members = combination.state.is_lazy() && !window.limited;
        let is_wanted = |difference: &&StateDifference| {
            (tells_members && difference.event_type == MEMBER)
                || combination.state.matches(&difference.event_type, &difference.state_key)
        };
        let wanted = changed.iter().filter(is_wanted);
        wanted.filter_map(|difference| difference.after.clone()).collect()
    }

    /// The state that is wanted now and was not before.
    pub(crate) async fn matching_state(
        &self,
        room_id: &RoomId,
        root: StateRoot,
        combination: &Combination,
        former: Option<&CombinedState>,
    ) -> Result<Vec<OwnedEventId>, SyncError> {
        let wanted = &combination.state;
        let is_new = |event_type: &str, state_key: &str| {
            !former.is_some_and(|former| former.matches(event_type, state_key))
        };
        let states = self.base.rooms().states();
        let snapshot = &self.base.snapshot;
        if let Some(named) = wanted.named() {
            let keys: Vec<(&str, &str)> = named
                .into_iter()
                .filter(|(event_type, state_key)| {
                    wanted.matches(event_type, state_key) && is_new(event_type, state_key)
                })
                .collect();
            let found = states.get_many(snapshot, root, &keys).await?;
            return Ok(found.into_iter().flatten().collect());
        }
        if wanted.wants_all_members() {
            let entries = states.entries(snapshot, root).await?;
            return Ok(entries
                .into_iter()
                .filter(|entry| wanted.matches(&entry.event_type, &entry.state_key))
                .filter(|entry| is_new(&entry.event_type, &entry.state_key))
                .map(|entry| entry.event_id)
                .collect());
        }
        // Few pieces of state are not memberships; who is named is looked up.
        let small = self.base.sync.inner.sliding.states.without_members(
            self.base.rooms(),
            snapshot,
            room_id,
            root,
        );
        let small = small.await?;
        let mut found: Vec<OwnedEventId> = small
            .iter()
            .filter(|entry| wanted.matches(&entry.event_type, &entry.state_key))
            .filter(|entry| is_new(&entry.event_type, &entry.state_key))
            .map(|entry| entry.event_id.clone())
            .collect();
        let members = wanted.named_members().chain(wanted.names_state_keys_of_any_type());
        let keys: Vec<(&str, &str)> = members
            .map(|user_id| (MEMBER, user_id))
            .filter(|(event_type, user_id)| {
                wanted.matches(event_type, user_id) && is_new(event_type, user_id)
            })
            .collect();
        found.extend(states.get_many(snapshot, root, &keys).await?.into_iter().flatten());
        Ok(found)
    }

    /// The memberships that the timeline needs: of senders, and of those whose membership changed.
    pub(crate) async fn lazy_members(
        &self,
        room_id: &RoomId,
        root: StateRoot,
        window: &Window,
        from_nothing: bool,
    ) -> Result<Vec<OwnedEventId>, SyncError> {
        let mut needed: BTreeSet<&str> = BTreeSet::new();
        for event in &window.events {
            needed.insert(event.pdu.sender().as_str());
            if event.pdu.event_type().to_string() == MEMBER {
                needed.extend(event.pdu.state_key());
            }
        }
        let (user_id, device) = (&self.base.request.user_id, &self.told_to);
        let sent_members = &self.base.sync.inner.sent_members;
        if from_nothing {
            sent_members.forget(user_id, device, room_id);
        }
        if needed.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<(&str, &str)> = needed.into_iter().map(|user_id| (MEMBER, user_id)).collect();
        let found = self.base.rooms().states().get_many(&self.base.snapshot, root, &keys).await?;
        let told = sent_members.of(user_id, device, room_id);
        let next = self.base.snapshot.position();
        let is_new = |event_id: &OwnedEventId| !told.note(event_id, self.base.since, next);
        Ok(found.into_iter().flatten().filter(is_new).collect())
    }

    pub(crate) async fn state_events<T>(
        &self,
        event_ids: &[OwnedEventId],
    ) -> Result<Vec<Raw<T>>, SyncError> {
        let found = self.base.rooms().events(&self.base.snapshot, event_ids).await?;
        let events: Vec<Arc<RoomEvent>> = found.into_iter().flatten().collect();
        let reader = self.base.reader();
        Ok(self.base.rooms().sync_events(&self.base.snapshot, reader, &events).await?)
    }

    pub(crate) async fn heroes(
        &self,
        root: StateRoot,
        summary: &RoomSummary,
    ) -> Result<Vec<Hero>, SyncError> {
        #[derive(Default, Deserialize)]
        struct Content {
            #[serde(default)]
            displayname: Option<String>,
            #[serde(default)]
            avatar_url: Option<OwnedMxcUri>,
        }
        let (rooms, snapshot) = (self.base.rooms(), &self.base.snapshot);
        let heroes: Vec<OwnedUserId> = heroes(summary, &self.base.request.user_id);
        let keys: Vec<(&str, &str)> = heroes.iter().map(|hero| (MEMBER, hero.as_str())).collect();
        let event_ids = rooms.states().get_many(snapshot, root, &keys).await?;
        let mut told = Vec::with_capacity(heroes.len());
        for (user_id, event_id) in heroes.into_iter().zip(event_ids) {
            let event = match event_id {
                Some(event_id) => rooms.event(snapshot, &event_id).await?,
                None => None,
            };
            let content = event.and_then(|event| event.pdu.content_as::<Content>().ok());
            let Content { displayname, avatar_url } = content.unwrap_or_default();
            told.push(Hero { user_id, displayname, avatar_url });
        }
        Ok(told)
    }
}

/// State that is no longer there: only its type and key are told.
pub(crate) fn gone_state<T>(combination: &Combination, changed: &[StateDifference]) -> Vec<Raw<T>> {
    let is_gone = |difference: &&StateDifference| {
        difference.after.is_none()
            && combination.state.matches(&difference.event_type, &difference.state_key)
    };
    let stub = |difference: &StateDifference| {
        let stub = serde_json::json!({
            "type": difference.event_type,
            "state_key": difference.state_key,
        });
        Raw::new(&stub).ok().map(Raw::cast_unchecked)
    };
    changed.iter().filter(is_gone).filter_map(stub).collect()
}
