use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use pli_rooms::{RoomEvent, RoomSummary, StateDifference, StateRoot, UserRoom, filter};
use ruma::{EventId, OwnedEventId, OwnedUserId, UserId};

use crate::{SyncError, answer::Answering, timeline::Window};

pub(crate) const MEMBER: &str = "m.room.member";

/// The moments of a room's state that bear on an answer.
pub(crate) struct Roots {
    /// What the client knows; empty for a room that is to be told from the start.
    pub(crate) known: StateRoot,
    /// Before the first event of the timeline that is told.
    pub(crate) start: StateRoot,
    /// After the last one.
    pub(crate) end: StateRoot,
}

/// A type, a state key and the event.
type StateMap = BTreeMap<(String, String), OwnedEventId>;

impl Answering<'_> {
    /// The state events that a client needs besides the timeline's: with `use_state_after` those
    /// that lead from what it knows to the state at the timeline's end; without, those that lead to
    /// the state at its start, and what else holds at its end without the timeline showing it
    /// (state that was resolved after a fork, or that the filter keeps out of the timeline).
    pub(crate) async fn state_delta(
        &self,
        user_room: &UserRoom,
        window: &Window,
        roots: &Roots,
        needed: &BTreeSet<OwnedUserId>,
    ) -> Result<Vec<Arc<RoomEvent>>, SyncError> {
        let in_timeline: BTreeSet<&EventId> =
            window.events.iter().map(|event| event.event_id()).collect();
        let wants_end = self.request.use_state_after;
        let target = if wants_end { roots.end } else { roots.start };

        let mut told = self.changed_state(roots.known, target).await?;
        let states = self.rooms().states();
        if !wants_end && roots.start.is_empty() {
            for entry in states.entries(&self.snapshot, roots.end).await? {
                if !in_timeline.contains(&*entry.event_id) {
                    let key = (entry.event_type.to_string(), entry.state_key.to_string());
                    told.insert(key, entry.event_id);
                }
            }
        } else if !wants_end && roots.start != roots.end {
            for difference in states.diff(&self.snapshot, roots.start, roots.end).await? {
                let after = difference.after.filter(|after| !in_timeline.contains(&**after));
                if let Some(after) = after {
                    told.insert((difference.event_type, difference.state_key), after);
                }
            }
        }
        let lazy = self.request.lazy_members();
        if lazy.is_some() && roots.known.is_empty() {
            // Who isn't needed is left out; who is comes below. Members who changed since a token
            // are always told: the client may know them already.
            told.retain(|(event_type, _), _| event_type != MEMBER);
        }
        let mut event_ids: Vec<OwnedEventId> = told.into_values().collect();
        if let Some(redundant) = lazy {
            event_ids.extend(self.lazy_members(user_room, target, needed, redundant).await?);
        }
        event_ids.sort_unstable();
        event_ids.dedup();
        // What the timeline shows needn't be said twice, unless state is told apart from it.
        if !wants_end {
            event_ids.retain(|event_id| !in_timeline.contains(&**event_id));
        }
        let found = self.rooms().events(&self.snapshot, &event_ids).await?;
        let wanted = &self.request.filter.room.state;
        let relations = &self.request.filter.state_relations;
        let is_wanted = |event: &Arc<RoomEvent>| {
            filter::matches(wanted, &user_room.room_id, event)
                && filter::matches_relation(relations, event)
        };
        Ok(found.into_iter().flatten().filter(is_wanted).collect())
    }

    async fn changed_state(
        &self,
        known: StateRoot,
        target: StateRoot,
    ) -> Result<StateMap, SyncError> {
        let states = self.rooms().states();
        if known == target {
            return Ok(StateMap::new());
        }
        if known.is_empty() {
            let entries = states.entries(&self.snapshot, target).await?;
            let pair = |entry: pli_rooms::StateEntry| {
                ((entry.event_type.to_string(), entry.state_key.to_string()), entry.event_id)
            };
            return Ok(entries.into_iter().map(pair).collect());
        }
        let differences = states.diff(&self.snapshot, known, target).await?;
        let pair = |difference: StateDifference| {
            let StateDifference { event_type, state_key, after, .. } = difference;
            Some(((event_type, state_key), after?))
        };
        Ok(differences.into_iter().filter_map(pair).collect())
    }

    /// Whose memberships a client that loads members lazily needs: the timeline's senders, when the
    /// room is new to it its own, and those of the heroes it is told of.
    pub(crate) fn needed_members(
        &self,
        user_room: &UserRoom,
        window: &Window,
        from_nothing: bool,
        heroes: &[OwnedUserId],
    ) -> BTreeSet<OwnedUserId> {
        let mut needed: BTreeSet<OwnedUserId> = BTreeSet::new();
        if self.request.lazy_members().is_none() {
            return needed;
        }
        needed.extend(window.events.iter().map(|event| event.pdu.sender().to_owned()));
        needed.extend(heroes.iter().cloned());
        if from_nothing {
            needed.insert(self.request.user_id.clone());
            let (user_id, device_id) = (&self.request.user_id, &self.request.device_id);
            self.sync.inner.sent_members.forget(user_id, device_id, &user_room.room_id);
        }
        needed
    }

    async fn lazy_members(
        &self,
        user_room: &UserRoom,
        root: StateRoot,
        needed: &BTreeSet<OwnedUserId>,
        redundant: bool,
    ) -> Result<Vec<OwnedEventId>, SyncError> {
        if needed.is_empty() || root.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<(&str, &str)> =
            needed.iter().map(|user_id| (MEMBER, user_id.as_str())).collect();
        let found = self.rooms().states().get_many(&self.snapshot, root, &keys).await?;
        let (user_id, device_id) = (&self.request.user_id, &self.request.device_id);
        let told = self.sync.inner.sent_members.of(user_id, device_id, &user_room.room_id);
        let next = self.snapshot.position();
        let mut event_ids: Vec<OwnedEventId> = found.into_iter().flatten().collect();
        event_ids.retain(|event_id| !told.note(event_id, self.since, next) || redundant);
        Ok(event_ids)
    }

    /// What the client knew of a room's state at its token.
    pub(crate) async fn root_at_token(&self, user_room: &UserRoom) -> Result<StateRoot, SyncError> {
        let roots = &self.sync.inner.roots;
        let key = (user_room.room_id.clone(), self.since);
        if let Some(root) = roots.get(&key) {
            return Ok(root);
        }
        let stamp = pli_store::Stamp::last_at(self.since);
        let root = self.rooms().state_root_at(&self.snapshot, &user_room.room_id, stamp).await?;
        roots.insert(key, root);
        Ok(root)
    }
}

/// The users from whom a client makes the name of a room that has none: five at most, never whoever
/// asks.
pub(crate) fn heroes(summary: &RoomSummary, reader: &UserId) -> Vec<OwnedUserId> {
    summary.heroes.iter().filter(|hero| *hero != reader).take(5).cloned().collect()
}
