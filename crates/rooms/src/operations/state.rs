use std::sync::Arc;

use pli_store::{Snapshot, Stamp};
use ruma::{RoomId, UserId, events::StateEventType};

use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    read::Member,
    rows::{MembershipKind, UserRoom},
    state::StateRoot,
};

/// What a user may see of a room's state and history.
#[derive(Clone, Debug)]
pub struct RoomView {
    /// What the user is to the room.
    pub user_room: Option<UserRoom>,
    /// The state: the current one, or the one at the moment the user left.
    pub state: StateRoot,
    /// Nothing after this is the user's to see.
    pub up_to: Stamp,
    /// Whether the view is of the room as it is now.
    pub is_current: bool,
}

impl Rooms {
    /// What a user may see of a room: members see it as it is, those who left as it was when they
    /// did, anybody sees a world-readable one.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], whether or not there is such a room; when the store fails.
    pub async fn view(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<RoomView, RoomError> {
        let forbidden = || RoomError::Forbidden("you are not in this room".to_owned());
        let (head, _) = self.head(snapshot, room_id).await?.ok_or_else(forbidden)?;
        let user_room = self.user_room(snapshot, user_id, room_id).await?;
        let membership = user_room.as_ref().map(|user_room| user_room.membership);
        let is_current = membership == Some(MembershipKind::Join)
            || self.is_world_readable(snapshot, head.state).await?;
        if is_current {
            return Ok(RoomView { user_room, state: head.state, up_to: Stamp::MAX, is_current });
        }
        // Somebody who forgot the room, was only invited to it or knocked sees nothing of it.
        let left = user_room.clone().filter(|user_room| {
            matches!(user_room.membership, MembershipKind::Leave | MembershipKind::Ban)
                && !user_room.forgotten
        });
        let left_at = left.and_then(|user_room| user_room.joined_until).ok_or_else(forbidden)?;
        let state = self.state_root_at(snapshot, room_id, left_at).await?;
        Ok(RoomView { user_room, state, up_to: left_at, is_current })
    }

    /// One state event, as a user may see the room.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownState`]; when the store fails.
    pub async fn state_event_for(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        event_type: &StateEventType,
        state_key: &str,
    ) -> Result<Arc<RoomEvent>, RoomError> {
        let view = self.view(snapshot, user_id, room_id).await?;
        let event = self.state_event(snapshot, view.state, event_type, state_key).await?;
        event.ok_or(RoomError::UnknownState)
    }

    /// The whole state, as a user may see the room.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`]; when the store fails.
    pub async fn state_for(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let view = self.view(snapshot, user_id, room_id).await?;
        self.full_state(snapshot, view.state).await
    }

    /// The membership events of a room, as a user may see it, now or (`at`) at an earlier moment.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`]; when the store fails.
    pub async fn members_for(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        at: Option<Stamp>,
        wanted: impl Fn(MembershipKind) -> bool,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let view = self.view(snapshot, user_id, room_id).await?;
        if at.is_none() && view.is_current {
            let mut event_ids = Vec::new();
            for kind in MembershipKind::ALL.into_iter().filter(|kind| wanted(*kind)) {
                let members = self.members(snapshot, room_id, kind).await?;
                event_ids.extend(members.into_iter().map(|member| member.row.event_id));
            }
            let events = self.events(snapshot, &event_ids).await?;
            return Ok(events.into_iter().flatten().collect());
        }
        // A room's past begins, for who is in it, with them: the start of the first timeline that
        // they were given lies before that.
        let joined = view.user_room.as_ref().filter(|own| own.membership == MembershipKind::Join);
        let root = match at.map(|at| joined.map_or(at, |own| at.max(own.since))) {
            Some(at) => self.state_root_at(snapshot, room_id, at.min(view.up_to)).await?,
            None => view.state,
        };
        let entries = self.states().entries_of_type(snapshot, root, "m.room.member").await?;
        let event_ids: Vec<_> = entries.into_iter().map(|entry| entry.event_id).collect();
        let events = self.events(snapshot, &event_ids).await?;
        let is_wanted = |event: &Arc<RoomEvent>| {
            wanted(MembershipKind::of(&crate::visibility::membership_in(event)))
        };
        Ok(events.into_iter().flatten().filter(is_wanted).collect())
    }

    /// Who is joined to a room, for somebody who is too.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`]; when the store fails.
    pub async fn joined_members_for(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<Vec<Member>, RoomError> {
        if !self.is_joined(snapshot, user_id, room_id).await? {
            return Err(RoomError::Forbidden("you are not in this room".to_owned()));
        }
        self.members(snapshot, room_id, MembershipKind::Join).await
    }
}
