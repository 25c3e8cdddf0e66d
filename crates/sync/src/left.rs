use pli_rooms::{PaginationToken, StateRoot, TimelineRange, UserRoom};
use pli_store::Stamp;
use ruma::{
    api::client::sync::sync_events::v3::LeftRoom, events::AnyRoomAccountDataEvent, serde::Raw,
};

use crate::{SyncError, answer::Answering};

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
            && (self.is_initial() || self.request.full_state);
        if user_room.forgotten || !(just_left || asked_for) {
            return Ok(None);
        }
        let room_id = &user_room.room_id;
        let Some((summary, _)) = self.rooms().summary(&self.snapshot, room_id).await? else {
            return Ok(None);
        };
        let after = if just_left { Stamp::last_at(self.since) } else { Stamp::MIN };
        let range = TimelineRange { after, up_to: user_room.changed };
        let window = self.window(user_room, range).await?;

        // Whoever was never in the room is not told its state.
        let was_joined = user_room.joined_until.is_some();
        let state = if was_joined {
            let known =
                if just_left { self.root_at_token(user_room).await? } else { StateRoot::EMPTY };
            let target = match window.events.first().and_then(|event| event.stamp) {
                Some(first) if window.limited || !just_left => {
                    self.rooms()
                        .state_root_at(
                            &self.snapshot,
                            room_id,
                            PaginationToken::before(first).stamp(),
                        )
                        .await?
                }
                _ => known,
            };
            Box::pin(self.state_delta(user_room, &window, known, target, &summary)).await?.events
        } else {
            Vec::new()
        };
        if just_left && was_joined && summary.encryption.is_some() {
            self.device_lists.left_room(room_id.clone());
        }

        let mut left = LeftRoom::new();
        left.account_data.events = account_data;
        left.state = self.state_events(&state).await?;
        left.timeline = self.timeline_section(&window).await?;
        Ok(Some(left))
    }
}
