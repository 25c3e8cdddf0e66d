//! What a service is interested in
//! ([specification](https://spec.matrix.org/v1.19/application-service-api/#registration)).

use pli_rooms::{Member, MembershipKind, RoomEvent, Rooms, UserRoom};
use pli_store::{Snapshot, Stamp};
use quick_cache::sync::Cache;
use ruma::{
    OwnedRoomId, OwnedUserId, RoomId, UserId,
    events::{TimelineEventType, room::member::MembershipState},
};
use serde::Deserialize;

use crate::{AppServiceError, Registration};

/// Of how many rooms it is remembered whether the service's users are in them.
const CACHED_ROOMS: usize = 20_000;
/// How many members are looked at in one step.
const PAGE: usize = 1_000;

/// Knows what a service is interested in.
pub(crate) struct Interest {
    /// Whether a user of the service is joined to a room. Follows the membership events that come by.
    inhabited: Cache<OwnedRoomId, bool>,
}

impl Interest {
    pub(crate) fn new() -> Self {
        Self { inhabited: Cache::new(CACHED_ROOMS) }
    }

    /// Takes note of an event, and says whether the service wants it. Events come in the order of the
    /// log.
    pub(crate) async fn wants(
        &self,
        snapshot: &Snapshot,
        rooms: &Rooms,
        service: &Registration,
        event: &RoomEvent,
    ) -> Result<bool, AppServiceError> {
        let room_id = event.pdu.room_id();
        let is_member_event = *event.pdu.event_type() == TimelineEventType::RoomMember;
        let target = event
            .pdu
            .state_key()
            .filter(|_| is_member_event)
            .and_then(|target| <&UserId>::try_from(target).ok());
        if let Some(target) = target
            && service.acts_for(target)
        {
            // Somebody of the service is in from here on; whether anybody is left has to be looked up.
            if membership(event) == MembershipState::Join {
                self.inhabited.insert(room_id.to_owned(), true);
            } else {
                self.inhabited.remove(room_id);
            }
            return Ok(true);
        }
        if service.acts_for(event.pdu.sender()) {
            return Ok(true);
        }
        let at = event.stamp.unwrap_or(Stamp::MAX);
        self.wants_room_at(snapshot, rooms, service, room_id, at).await
    }

    /// Whether the service wants whatever happens in a room now.
    pub(crate) async fn wants_room(
        &self,
        snapshot: &Snapshot,
        rooms: &Rooms,
        service: &Registration,
        room_id: &RoomId,
    ) -> Result<bool, AppServiceError> {
        self.wants_room_at(snapshot, rooms, service, room_id, Stamp::MAX).await
    }

    async fn wants_room_at(
        &self,
        snapshot: &Snapshot,
        rooms: &Rooms,
        service: &Registration,
        room_id: &RoomId,
        at: Stamp,
    ) -> Result<bool, AppServiceError> {
        if service.rooms.contains(room_id.as_str()) {
            return Ok(true);
        }
        if !service.aliases.is_empty() {
            let aliases = rooms.local_aliases(snapshot, room_id).await?;
            if aliases.iter().any(|alias| service.aliases.contains(alias.as_str())) {
                return Ok(true);
            }
        }
        self.was_inhabited(snapshot, rooms, service, room_id, at).await
    }

    /// Whether a user of the service is joined to a room. Reads members the first time only.
    pub(crate) async fn is_inhabited(
        &self,
        snapshot: &Snapshot,
        rooms: &Rooms,
        service: &Registration,
        room_id: &RoomId,
    ) -> Result<bool, AppServiceError> {
        self.was_inhabited(snapshot, rooms, service, room_id, Stamp::MAX).await
    }

    /// Whether somebody who is joined to a room now, and is the service's, was so at a stamp. What
    /// happened before they came in is not theirs; their coming in is still to be read.
    async fn was_inhabited(
        &self,
        snapshot: &Snapshot,
        rooms: &Rooms,
        service: &Registration,
        room_id: &RoomId,
        at: Stamp,
    ) -> Result<bool, AppServiceError> {
        if let Some(known) = self.inhabited.get(room_id) {
            return Ok(known);
        }
        let found = find_inhabitant_at(snapshot, rooms, service, room_id, at).await?.is_some();
        self.inhabited.insert(room_id.to_owned(), found);
        Ok(found)
    }
}

fn was_joined(room: &UserRoom, at: Stamp) -> bool {
    room.membership == MembershipKind::Join && room.since <= at
}

/// A user of a service who is joined to a room and was so at a stamp.
pub(crate) async fn find_inhabitant_at(
    snapshot: &Snapshot,
    rooms: &Rooms,
    service: &Registration,
    room_id: &RoomId,
    at: Stamp,
) -> Result<Option<OwnedUserId>, AppServiceError> {
    let room = rooms.user_room(snapshot, &service.sender, room_id).await?;
    if room.is_some_and(|room| was_joined(&room, at)) {
        return Ok(Some(service.sender.clone()));
    }
    if service.users.is_empty() {
        return Ok(None);
    }
    let mut after = None;
    loop {
        let joined = MembershipKind::Join;
        let page = rooms.members_page(snapshot, room_id, joined, after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|member| member.user_id.clone());
        for Member { user_id, .. } in page {
            if !service.acts_for(&user_id) {
                continue;
            }
            let room = rooms.user_room(snapshot, &user_id, room_id).await?;
            if room.is_some_and(|room| was_joined(&room, at)) {
                return Ok(Some(user_id));
            }
        }
        if is_last {
            return Ok(None);
        }
    }
}

/// The membership that an event gives.
pub(crate) fn membership(event: &RoomEvent) -> MembershipState {
    #[derive(Deserialize)]
    struct Content {
        membership: MembershipState,
    }
    let content = event.pdu.content_as::<Content>();
    content.map_or(MembershipState::Leave, |content| content.membership)
}
