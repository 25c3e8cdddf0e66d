//! What follows from a change of a room's state: its summary, its members, its people's rooms.

use std::sync::Arc;

use pli_events::StrippedStateEvent;
use pli_store::{Direction, Touch};
use ruma::{
    OwnedMxcUri, OwnedUserId, UserId,
    events::{StateEventType, room::member::MembershipState},
};
use serde::Deserialize;

use super::{RoomTransaction, transaction::PendingUserRoom};
use crate::{
    error::RoomError,
    event::RoomEvent,
    keyspaces::{MEMBER, USER_ROOM},
    rows::{MemberRow, MembershipKind, RoomSummary, UserRoomRow, WrittenAt},
    state::StateDifference,
};

/// The state that somebody who is invited or knocks may see of a room, besides the event itself
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#stripped-state)).
const STRIPPED_STATE: [StateEventType; 7] = [
    StateEventType::RoomCreate,
    StateEventType::RoomName,
    StateEventType::RoomAvatar,
    StateEventType::RoomTopic,
    StateEventType::RoomJoinRules,
    StateEventType::RoomCanonicalAlias,
    StateEventType::RoomEncryption,
];

/// What rows say about a membership event's content. Whatever isn't of the right type counts as
/// absent: other servers' events may hold anything.
#[derive(Default)]
pub(crate) struct MemberContent {
    pub(crate) membership: Option<MembershipState>,
    pub(crate) display_name: Option<String>,
    pub(crate) avatar_url: Option<OwnedMxcUri>,
    pub(crate) is_direct: bool,
}

impl MemberContent {
    pub(crate) fn of(event: &RoomEvent) -> Self {
        #[derive(Deserialize)]
        struct Lenient {
            membership: Option<serde_json::Value>,
            displayname: Option<serde_json::Value>,
            avatar_url: Option<serde_json::Value>,
            is_direct: Option<serde_json::Value>,
        }
        let Ok(content) = event.pdu.content_as::<Lenient>() else { return Self::default() };
        let text = |value: Option<serde_json::Value>| match value {
            Some(serde_json::Value::String(text)) => Some(text),
            _ => None,
        };
        Self {
            membership: text(content.membership).map(MembershipState::from),
            display_name: text(content.displayname),
            avatar_url: text(content.avatar_url).map(OwnedMxcUri::from),
            is_direct: content.is_direct == Some(serde_json::Value::Bool(true)),
        }
    }
}

impl RoomTransaction<'_> {
    /// Brings rows up to date with a change of the room's current state.
    pub(crate) async fn take_effect(
        &mut self,
        differences: &[StateDifference],
    ) -> Result<(), RoomError> {
        for difference in differences {
            let after = match &difference.after {
                Some(event_id) => Some(self.known_event(event_id).await?),
                None => None,
            };
            if difference.event_type == "m.room.member" {
                let before = match &difference.before {
                    Some(event_id) => Some(self.known_event(event_id).await?),
                    None => None,
                };
                let Ok(user_id) = UserId::parse(&difference.state_key) else { continue };
                self.change_membership(user_id, before, after).await?;
            } else {
                let changed = self.summary.follow(
                    &difference.event_type,
                    &difference.state_key,
                    after.as_deref(),
                );
                self.summary_changed |= changed;
            }
        }
        Ok(())
    }

    async fn change_membership(
        &mut self,
        user_id: OwnedUserId,
        before: Option<Arc<RoomEvent>>,
        after: Option<Arc<RoomEvent>>,
    ) -> Result<(), RoomError> {
        let kind_of = |content: &MemberContent| {
            content.membership.as_ref().map_or(MembershipKind::Leave, MembershipKind::of)
        };
        let old_kind = before.as_deref().map(|event| kind_of(&MemberContent::of(event)));
        let content = after.as_deref().map(MemberContent::of);
        let new_kind = content.as_ref().map(kind_of);

        let room_id = self.room_id.clone();
        if let Some(old_kind) = old_kind
            && Some(old_kind) != new_kind
        {
            self.batch.delete(&MEMBER, (&room_id, old_kind, &user_id));
        }
        if let (Some(event), Some(content), Some(new_kind)) = (&after, &content, new_kind) {
            let row = MemberRow {
                event_id: event.event_id().to_owned(),
                display_name: content.display_name.clone(),
                avatar_url: content.avatar_url.clone(),
            };
            self.batch.put(&MEMBER, (&room_id, new_kind, &user_id), &row);
        }
        self.count_membership(&user_id, old_kind, new_kind).await?;

        let joined = new_kind == Some(MembershipKind::Join);
        self.touch(Touch::Member { room_id, user_id: user_id.clone(), joined });
        self.touch(Touch::User(user_id.clone()));

        let is_direct = content.as_ref().is_some_and(|content| content.is_direct);
        let new_kind = new_kind.unwrap_or(MembershipKind::Leave);
        let Some(event) = after.or(before) else { return Ok(()) };
        let row = self.user_room_row(&user_id, old_kind, new_kind, &event, is_direct).await?;
        self.user_rooms.insert(user_id, PendingUserRoom { row });
        Ok(())
    }

    async fn user_room_row(
        &self,
        user_id: &UserId,
        old_kind: Option<MembershipKind>,
        new_kind: MembershipKind,
        event: &RoomEvent,
        is_direct: bool,
    ) -> Result<UserRoomRow, RoomError> {
        let former = match self.user_rooms.get(user_id) {
            Some(pending) => Some(pending.row.clone()),
            // Nobody who had no membership event has a row.
            None if old_kind.is_none() => None,
            None => {
                let snapshot = self.source.get().await?;
                let row = snapshot.get_versioned(&USER_ROOM, (user_id, &self.room_id)).await?;
                row.map(|(row, version)| row.settled(version))
            }
        };
        let now = WrittenAt::ThisVersion(self.last_index());
        let same_kind = old_kind == Some(new_kind);
        let since = former.as_ref().filter(|_| same_kind).map_or(now, |former| former.since);
        let joined_until = match (old_kind, new_kind) {
            (_, MembershipKind::Join) => None,
            (Some(MembershipKind::Join), _) => Some(now),
            _ => former.as_ref().and_then(|former| former.joined_until),
        };
        let stripped_state = match new_kind {
            MembershipKind::Invite | MembershipKind::Knock => {
                Some(self.stripped_state(event).await?)
            }
            _ => None,
        };
        let forgotten = same_kind && former.is_some_and(|former| former.forgotten);
        Ok(UserRoomRow {
            membership: new_kind,
            event_id: event.event_id().to_owned(),
            changed: now,
            since,
            joined_until,
            forgotten,
            is_direct,
            stripped_state,
        })
    }

    /// The room's stripped state for somebody outside it, as a JSON array.
    async fn stripped_state(&self, membership: &RoomEvent) -> Result<String, RoomError> {
        let mut events = Vec::with_capacity(STRIPPED_STATE.len() + 2);
        for event_type in &STRIPPED_STATE {
            events.extend(self.state_event(event_type, "").await?);
        }
        let sender = membership.pdu.sender();
        events.extend(self.state_event(&StateEventType::RoomMember, sender.as_str()).await?);
        let stripped: Vec<_> = events
            .iter()
            .filter(|event| event.event_id() != membership.event_id())
            .map(|event| StrippedStateEvent(&event.pdu))
            .chain([StrippedStateEvent(&membership.pdu)])
            .collect();
        serde_json::to_string(&stripped).map_err(|error| RoomError::BadContent(error.to_string()))
    }

    async fn count_membership(
        &mut self,
        user_id: &UserId,
        old_kind: Option<MembershipKind>,
        new_kind: Option<MembershipKind>,
    ) -> Result<(), RoomError> {
        if old_kind == new_kind {
            return Ok(());
        }
        let summary = &mut self.summary;
        match old_kind {
            Some(MembershipKind::Join) => summary.joined = summary.joined.saturating_sub(1),
            Some(MembershipKind::Invite) => summary.invited = summary.invited.saturating_sub(1),
            _ => {}
        }
        match new_kind {
            Some(MembershipKind::Join) => summary.joined += 1,
            Some(MembershipKind::Invite) => summary.invited += 1,
            _ => {}
        }
        self.summary_changed = true;

        let counts = |kind: Option<MembershipKind>| {
            matches!(kind, Some(MembershipKind::Join | MembershipKind::Invite))
        };
        let is_hero = self.summary.heroes.iter().any(|hero| hero == user_id);
        if counts(new_kind) && !is_hero && self.summary.heroes.len() < RoomSummary::HEROES {
            self.summary.heroes.push(user_id.to_owned());
        } else if is_hero && !counts(new_kind) {
            self.summary.heroes.retain(|hero| hero != user_id);
            self.refill_heroes(user_id).await?;
        }
        Ok(())
    }

    /// After a hero left: takes the next member in, reading a handful of rows.
    async fn refill_heroes(&mut self, left: &UserId) -> Result<(), RoomError> {
        let members = self.summary.joined + self.summary.invited;
        let heroes = u64::try_from(self.summary.heroes.len()).unwrap_or(u64::MAX);
        if members <= heroes {
            return Ok(());
        }
        let snapshot = self.source.get().await?;
        for kind in [MembershipKind::Join, MembershipKind::Invite] {
            let range = MEMBER.prefix((&self.room_id, kind));
            let limit = 2 * RoomSummary::HEROES + 64;
            for row in snapshot.scan(&MEMBER, range, limit, Direction::Forward).await? {
                let candidate = row.key.2;
                // Who left in this very batch still has a row.
                let gone = self.user_rooms.get(&candidate).is_some_and(|pending| {
                    !matches!(pending.row.membership, MembershipKind::Join | MembershipKind::Invite)
                });
                if candidate == left || gone || self.summary.heroes.contains(&candidate) {
                    continue;
                }
                self.summary.heroes.push(candidate);
                if self.summary.heroes.len() == RoomSummary::HEROES {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
