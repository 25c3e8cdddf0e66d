//! Presence in an answer to `/sync`.

use std::collections::BTreeSet;

use pli_rooms::{MembershipKind, filter};
use ruma::{
    OwnedUserId, UserId,
    api::client::sync::sync_events::v3::{JoinedRoom, State},
    events::room::member::MembershipState,
    serde::Raw,
};
use serde::Deserialize;

use super::Presence;
use crate::{Changes, SyncError, answer::Answering};

impl Answering<'_> {
    /// Adds the presence of others: of those whose presence changed, of those who came into one of
    /// the user's rooms, of everybody in a room that the user came into; at first, of everybody. To be
    /// called once the rooms are there.
    pub(crate) async fn add_presence(&mut self) -> Result<(), SyncError> {
        let presence = self.sync.presence().clone();
        let wanted = &self.request.filter.presence;
        if !presence.inner.is_enabled || !filter::matches_global(wanted, "m.presence") {
            return Ok(());
        }
        let mut whom: BTreeSet<OwnedUserId> = BTreeSet::new();
        match &self.changes {
            Changes::Nothing => {}
            Changes::Unknown => whom.extend(self.everybody(&presence).await?),
            Changes::Some(news) => {
                whom.extend(news.presence.iter().cloned());
                let mut entered = Vec::new();
                for (room_id, room) in &self.response.rooms.join {
                    let arrived = arrived_in(room);
                    if arrived.contains(&self.request.user_id) {
                        entered.push(room_id.clone());
                    }
                    whom.extend(arrived.into_iter().filter(|user_id| presence.knows(user_id)));
                }
                for room_id in entered {
                    let join = MembershipKind::Join;
                    let members = self.rooms().members(&self.snapshot, &room_id, join).await?;
                    let members = members.into_iter().map(|member| member.user_id);
                    whom.extend(members.filter(|user_id| presence.knows(user_id)));
                }
            }
        }
        whom.remove(&self.request.user_id);
        whom.retain(|user_id| {
            let is_in = |list: &[OwnedUserId]| list.contains(user_id);
            wanted.senders.as_deref().is_none_or(is_in) && !is_in(&wanted.not_senders)
        });
        let limit =
            wanted.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        for user_id in whom.into_iter().take(limit) {
            let now = presence.now(&self.snapshot, &user_id).await?;
            self.response.presence.events.push(Raw::new(&now.into_event(user_id))?);
        }
        Ok(())
    }

    /// Everybody who is there and shares a room with the user.
    async fn everybody(&self, presence: &Presence) -> Result<Vec<OwnedUserId>, SyncError> {
        let reader = &self.request.user_id;
        let known: Vec<OwnedUserId> = presence.inner.people.lock().keys().cloned().collect();
        let mut sharing = Vec::new();
        for user_id in known {
            let shares = match self.sync.notifier().share_room(reader, &user_id) {
                Some(shares) => shares,
                None => self.rooms().share_room(&self.snapshot, reader, &user_id).await?,
            };
            if shares {
                sharing.push(user_id);
            }
        }
        Ok(sharing)
    }
}

impl Presence {
    /// Whether somebody is there, or was a moment ago.
    fn knows(&self, user_id: &UserId) -> bool {
        self.inner.people.lock().contains_key(user_id)
    }
}

/// Who came into a room, as an answer tells it.
fn arrived_in(room: &JoinedRoom) -> BTreeSet<OwnedUserId> {
    #[derive(Deserialize)]
    struct Event {
        r#type: String,
        state_key: Option<OwnedUserId>,
        content: Option<Content>,
    }
    #[derive(Deserialize)]
    struct Content {
        membership: Option<MembershipState>,
    }
    let timeline = room.timeline.events.iter().map(Raw::json);
    let state = match &room.state {
        State::Before(events) | State::After(events) => &events.events[..],
        _ => &[],
    };
    let state = state.iter().map(Raw::json);
    let mut arrived = BTreeSet::new();
    for json in timeline.chain(state).filter(|json| json.get().contains("m.room.member")) {
        let Ok(event) = serde_json::from_str::<Event>(json.get()) else { continue };
        let joins = event.content.and_then(|content| content.membership);
        if event.r#type == "m.room.member" && joins == Some(MembershipState::Join) {
            arrived.extend(event.state_key);
        }
    }
    arrived
}
