use std::{collections::BTreeSet, sync::Arc};

use pli_rooms::{RoomEvent, RoomSummary, StateRoot, UserRoom, filter};
use ruma::{
    EventId, OwnedEventId, OwnedUserId, UserId,
    events::{StateEventType, TimelineEventType},
};

use crate::{SyncError, answer::Answering, timeline::Window};

const MEMBER: &str = "m.room.member";

/// What an answer says about a room's state.
pub(crate) struct StateDelta {
    pub(crate) events: Vec<Arc<RoomEvent>>,
}

impl Answering<'_> {
    /// The state events that a client needs besides the timeline's: from the state it knows
    /// (`known`, empty for a room that is new to it) to the one at the timeline's start, or at its
    /// end with `use_state_after`.
    pub(crate) async fn state_delta(
        &self,
        user_room: &UserRoom,
        window: &Window,
        known: StateRoot,
        target: StateRoot,
        summary: &RoomSummary,
    ) -> Result<StateDelta, SyncError> {
        let states = self.rooms().states();
        let lazy = self.request.lazy_members();
        let needed = self.needed_members(user_room, window, known, summary);

        let mut event_ids: Vec<OwnedEventId> = Vec::new();
        if known.is_empty() {
            for entry in states.entries(&self.snapshot, target).await? {
                // Who isn't needed is left out; who is comes below.
                if lazy.is_none() || &*entry.event_type != MEMBER {
                    event_ids.push(entry.event_id);
                }
            }
        } else if known != target {
            for difference in states.diff(&self.snapshot, known, target).await? {
                let is_other_member = difference.event_type == MEMBER
                    && !needed.iter().any(|user_id| *user_id == difference.state_key);
                // Members who changed are always told: a client may know them already.
                if lazy.is_none() || !is_other_member || !self.is_initial() {
                    event_ids.extend(difference.after);
                }
            }
        }
        if let Some(redundant) = lazy {
            let members = self.lazy_members(user_room, target, &needed, redundant).await?;
            event_ids.extend(members);
        }
        event_ids.sort_unstable();
        event_ids.dedup();

        // What the timeline shows needn't be said twice, unless state is told apart from it.
        let in_timeline: BTreeSet<&EventId> = if self.request.use_state_after {
            BTreeSet::new()
        } else {
            window.events.iter().map(|event| event.event_id()).collect()
        };
        event_ids.retain(|event_id| !in_timeline.contains(&**event_id));
        let found = self.rooms().events(&self.snapshot, &event_ids).await?;
        let wanted = &self.request.filter.room.state;
        let events = found
            .into_iter()
            .flatten()
            .filter(|event| filter::matches(wanted, &user_room.room_id, event))
            .collect();
        Ok(StateDelta { events })
    }

    /// Whose memberships a client that loads members lazily needs: the timeline's senders, and, when
    /// the room is new to it, its own and the heroes', from whom it makes the room's name.
    fn needed_members(
        &self,
        user_room: &UserRoom,
        window: &Window,
        known: StateRoot,
        summary: &RoomSummary,
    ) -> BTreeSet<OwnedUserId> {
        let mut needed: BTreeSet<OwnedUserId> = BTreeSet::new();
        if self.request.lazy_members().is_none() {
            return needed;
        }
        needed.extend(window.events.iter().map(|event| event.pdu.sender().to_owned()));
        if known.is_empty() {
            needed.insert(self.request.user_id.clone());
            needed.extend(heroes(summary, &self.request.user_id));
        }
        if known.is_empty() || self.is_initial() {
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
        if needed.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<(&str, &str)> =
            needed.iter().map(|user_id| (MEMBER, user_id.as_str())).collect();
        let found = self.rooms().states().get_many(&self.snapshot, root, &keys).await?;
        let (user_id, device_id) = (&self.request.user_id, &self.request.device_id);
        let told = self.sync.inner.sent_members.of(user_id, device_id, &user_room.room_id);
        let mut told = told.lock();
        let mut event_ids = Vec::new();
        for (member, event_id) in needed.iter().zip(found) {
            let Some(event_id) = event_id else { continue };
            let before = told.insert(member.clone(), event_id.clone());
            if redundant || before.as_ref() != Some(&event_id) {
                event_ids.push(event_id);
            }
        }
        Ok(event_ids)
    }

    /// What the client knew of a room's state at its token.
    pub(crate) async fn root_at_token(&self, user_room: &UserRoom) -> Result<StateRoot, SyncError> {
        let stamp = pli_store::Stamp::last_at(self.since);
        Ok(self.rooms().state_root_at(&self.snapshot, &user_room.room_id, stamp).await?)
    }
}

/// The users from whom a client makes the name of a room that has none: five at most, never whoever
/// asks.
pub(crate) fn heroes(summary: &RoomSummary, reader: &UserId) -> Vec<OwnedUserId> {
    summary.heroes.iter().filter(|hero| *hero != reader).take(5).cloned().collect()
}

/// Whether an event is a membership.
pub(crate) fn is_membership(event: &RoomEvent) -> bool {
    *event.pdu.event_type() == TimelineEventType::RoomMember
}

/// Whether an event turns encryption on.
pub(crate) fn is_encryption(event: &RoomEvent) -> bool {
    event.pdu.event_type().to_string() == StateEventType::RoomEncryption.to_string()
}
