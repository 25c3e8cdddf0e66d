use std::sync::Arc;

use pli_store::{Direction, Snapshot, Stamp};
use ruma::{RoomId, UserId, events::StateEventType};

use super::TimelineRange;
use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    lazy_snapshot::LazySnapshot,
    state::{NodeOverlay, StateRoot, StateTree},
};

impl Rooms {
    /// The states of all rooms: `get`, `get_many`, `entries`, `diff`.
    #[must_use]
    pub fn states(&self) -> &StateTree {
        &self.inner.states
    }

    /// What this server took for the room's state when it had appended everything up to `stamp`.
    /// [`StateRoot::EMPTY`] before the room's first event.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn state_root_at(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        stamp: Stamp,
    ) -> Result<StateRoot, RoomError> {
        let range = TimelineRange { after: Stamp::MIN, up_to: stamp };
        let last = self.timeline(snapshot, room_id, range, 1, Direction::Backward).await?;
        Ok(last.first().map_or(StateRoot::EMPTY, |event| event.room_state))
    }

    /// The room's state now.
    ///
    /// # Errors
    /// [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn current_state_root(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
    ) -> Result<StateRoot, RoomError> {
        let head = self.head(snapshot, room_id).await?;
        let unknown = || RoomError::UnknownRoom(room_id.to_owned());
        Ok(head.ok_or_else(unknown)?.0.state)
    }

    /// A state event out of a state.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn state_event(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
        event_type: &StateEventType,
        state_key: &str,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        let source = LazySnapshot::given(snapshot);
        self.state_event_from(&source, root, event_type, state_key).await
    }

    pub(crate) async fn state_event_from(
        &self,
        source: &LazySnapshot<'_>,
        root: StateRoot,
        event_type: &StateEventType,
        state_key: &str,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        let event_type = event_type.to_string();
        let states = &self.inner.states;
        let found =
            states.get_from(source, &NodeOverlay::new(), root, &event_type, state_key).await?;
        let Some(event_id) = found else { return Ok(None) };
        let event = self.event_from(source, &event_id).await?;
        event.map(Some).ok_or(RoomError::MissingEvent(event_id))
    }

    /// The membership event of a user in a state.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn member_event(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
        user_id: &UserId,
    ) -> Result<Option<Arc<RoomEvent>>, RoomError> {
        self.state_event(snapshot, root, &StateEventType::RoomMember, user_id.as_str()).await
    }

    /// All state events of a state.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn full_state(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let entries = self.inner.states.entries(snapshot, root).await?;
        let event_ids: Vec<_> = entries.into_iter().map(|entry| entry.event_id).collect();
        let events = self.events(snapshot, &event_ids).await?;
        let present = |(event, event_id): (Option<Arc<RoomEvent>>, _)| {
            event.ok_or(RoomError::MissingEvent(event_id))
        };
        events.into_iter().zip(event_ids).map(present).collect()
    }
}
