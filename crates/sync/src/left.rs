use std::sync::Arc;

use pli_rooms::{RoomEvent, StateRoot, TimelineRange, UserRoom, filter};
use pli_store::Stamp;
use ruma::{
    api::client::sync::sync_events::v3::LeftRoom, events::AnyRoomAccountDataEvent, serde::Raw,
};

use crate::{SyncError, answer::Answering, joined::is_join, state::Roots, timeline::Window};

impl Answering<'_> {
    /// What is told of a room that the user left, was removed from or whose invitation they
    /// declined: everything up to that moment, nothing after it.
    pub(crate) async fn left_room(
        &mut self,
        user_room: &UserRoom,
        account_data: Vec<Raw<AnyRoomAccountDataEvent>>,
    ) -> Result<Option<LeftRoom>, SyncError> {
        let just_left = user_room.changed.position() > self.since && !self.is_initial();
        let asked_for = self.request.filter.room.include_leave
            && !user_room.forgotten
            && (self.is_initial() || self.request.full_state);
        if !(just_left || asked_for) {
            return Ok(None);
        }
        let room_id = &user_room.room_id;
        let Some((summary, _)) = self.rooms().summary(&self.snapshot, room_id).await? else {
            return Ok(None);
        };
        let token_root =
            if just_left { self.known_before_leaving(user_room).await? } else { StateRoot::EMPTY };
        let after = if just_left { Stamp::last_at(self.since) } else { Stamp::MIN };
        let range = TimelineRange { after, up_to: user_room.changed };
        // Whoever forgot the room on another device is told that they left it, nothing else.
        let mut window = if user_room.forgotten {
            Window::nothing_after(after)
        } else {
            self.window(user_room, range, None).await?
        };

        // Nobody is told the state of a room that they were not in, nor what it became after they
        // left.
        let left_at = user_room.joined_until.filter(|until| *until > after && !user_room.forgotten);
        let mut state = match left_at {
            Some(left_at) => {
                let end = self.rooms().state_root_at(&self.snapshot, room_id, left_at).await?;
                let is_before = |event: &Arc<RoomEvent>| event.stamp <= Some(left_at);
                let start = if window.events.first().is_some_and(is_before) {
                    self.root_at_start(user_room, &window, None, token_root, end).await?
                } else {
                    end
                };
                let roots = Roots { known: token_root, start, end };
                let needed = self.needed_members(user_room, &window, token_root.is_empty(), &[]);
                Box::pin(self.state_delta(user_room, &window, &roots, &needed)).await?
            }
            None => Vec::new(),
        };
        // Their own membership event tells how they left, who removed them and why: it is theirs to
        // see even where the room's history isn't.
        if let Some(own) = self.rooms().event(&self.snapshot, &user_room.event_id).await? {
            let is_own = |event: &Arc<RoomEvent>| event.event_id() == own.event_id();
            let has_timeline = self.timeline_limit() > 0;
            if (self.request.use_state_after || !has_timeline)
                && !state.iter().any(is_own)
                && filter::matches(&self.request.filter.room.state, room_id, &own)
            {
                state.push(Arc::clone(&own));
            }
            if has_timeline
                && !window.events.iter().any(is_own)
                && filter::matches(&self.request.filter.room.timeline, room_id, &own)
            {
                window.events.push(own);
            }
        }
        if left_at.is_some() && just_left && summary.tracks_devices() {
            self.device_lists.left_room(room_id.clone());
        }

        let mut left = LeftRoom::new();
        left.account_data.events = account_data;
        left.state = self.state_events(&state).await?;
        left.timeline = self.timeline_section(&window).await?;
        Ok(Some(left))
    }

    /// What the client knew of a room's state at its token: nothing if the user wasn't in it then.
    async fn known_before_leaving(&self, user_room: &UserRoom) -> Result<StateRoot, SyncError> {
        let root = self.root_at_token(user_room).await?;
        if root.is_empty() {
            return Ok(root);
        }
        let own = self.rooms().member_event(&self.snapshot, root, &self.request.user_id).await?;
        Ok(if own.is_some_and(|own| is_join(&own)) { root } else { StateRoot::EMPTY })
    }
}
