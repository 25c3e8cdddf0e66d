//! What a service needs to encrypt for its users: messages to their devices, whose devices changed,
//! and how many one-time keys are left (MSC2409, MSC3202, MSC4203).

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use pli_accounts::{Devices, device_lists::DeviceLists, keys::OneTimeKeys, to_device::ToDevice};
use pli_rooms::{MembershipKind, RoomEvent, Rooms};
use pli_store::{Position, Snapshot};
use quick_cache::sync::Cache;
use ruma::{
    OwnedDeviceId, OwnedRoomId, OwnedUserId, UserId,
    events::{TimelineEventType, room::member::MembershipState},
};
use serde_json::{Value, json};

use super::{
    draft::Draft,
    inbox::Inbox,
    interest::{Interest, membership},
};
use crate::{AppServiceError, Registration};

/// Of how many devices it is remembered what was told of their one-time keys.
const CACHED_COUNTS: usize = 50_000;

/// When the counts of a device that the service was told last had changed.
pub(crate) type ToldCounts = Cache<(OwnedUserId, OwnedDeviceId), Position>;

pub(crate) fn nothing_told() -> ToldCounts {
    Cache::new(CACHED_COUNTS)
}

/// How many messages to devices one transaction brings at most.
const MANY_MESSAGES: usize = 100;

/// The users of a service for whom messages are waiting, from the store.
pub(crate) async fn users_with_messages(
    snapshot: &Snapshot,
    service: &Registration,
) -> Result<HashSet<OwnedUserId>, AppServiceError> {
    let mut found = HashSet::new();
    let mut last: Option<OwnedUserId> = None;
    while let Some(user_id) = ToDevice::next_waiting_user(snapshot, last.as_deref()).await? {
        if service.acts_for(&user_id) {
            found.insert(user_id.clone());
        }
        last = Some(user_id);
    }
    Ok(found)
}

/// Adds the messages for the devices of these users, and what one-time keys these have left if that
/// changed. For whom there is no room in this transaction a note stays in the inbox.
pub(crate) async fn add_for_devices(
    draft: &mut Draft,
    snapshot: &Snapshot,
    inbox: &Inbox,
    users: &HashSet<OwnedUserId>,
    told_counts: &ToldCounts,
) -> Result<(), AppServiceError> {
    for user_id in users {
        let room_left = MANY_MESSAGES.saturating_sub(draft.to_device.len());
        if room_left == 0 {
            inbox.news_for(user_id);
            continue;
        }
        for device_id in Devices::ids_at(snapshot, user_id).await? {
            let pending =
                ToDevice::pending(snapshot, user_id, &device_id, Position::ZERO, room_left).await?;
            if pending.up_to.is_some() {
                inbox.news_for(user_id);
            }
            let has_messages = !pending.events.is_empty();
            for event in &pending.events {
                let Ok(mut event) = serde_json::from_str::<Value>(event.get()) else { continue };
                event["to_user_id"] = json!(user_id);
                event["to_device_id"] = json!(device_id);
                draft.to_device.push(event);
            }
            let (counts, changed) =
                OneTimeKeys::counts_versioned(snapshot, user_id, &device_id).await?;
            let device = (user_id.clone(), device_id.clone());
            if let Some(changed) = changed
                && (has_messages || told_counts.get(&device) != Some(changed))
            {
                told_counts.insert(device, changed);
                let of_user = draft.one_time_keys.entry(user_id.clone()).or_default();
                of_user.insert(device_id.clone(), json!(counts.one_time_keys));
                let of_user = draft.fallback_types.entry(user_id.clone()).or_default();
                of_user.insert(device_id.clone(), json!(counts.unused_fallback_types));
            }
            if has_messages {
                let up_to = pending.up_to.unwrap_or_else(|| snapshot.position());
                draft.delivered.push((user_id.clone(), device_id, up_to));
            }
        }
    }
    Ok(())
}

/// Who came into and went out of encrypted rooms of the service's users.
#[derive(Default)]
pub(crate) struct Movements {
    arrived: BTreeSet<OwnedUserId>,
    departed: BTreeSet<OwnedUserId>,
    /// All their members are new to the service.
    new_rooms: BTreeSet<OwnedRoomId>,
}

impl Movements {
    pub(crate) async fn note(
        &mut self,
        snapshot: &Snapshot,
        rooms: &Rooms,
        service: &Registration,
        events: &[Arc<RoomEvent>],
    ) -> Result<(), AppServiceError> {
        for event in events {
            let room_id = event.pdu.room_id();
            if *event.pdu.event_type() == TimelineEventType::RoomEncryption {
                self.new_rooms.insert(room_id.to_owned());
                continue;
            }
            if *event.pdu.event_type() != TimelineEventType::RoomMember {
                continue;
            }
            let target = event.pdu.state_key().and_then(|target| <&UserId>::try_from(target).ok());
            let Some(target) = target else { continue };
            let was_joined = was_joined(snapshot, rooms, event).await?;
            let is_joined = membership(event) == MembershipState::Join;
            if was_joined == is_joined {
                continue;
            }
            let summary = rooms.summary(snapshot, room_id).await?;
            if summary.is_none_or(|(summary, _)| summary.encryption.is_none()) {
                continue;
            }
            if is_joined && service.acts_for(target) {
                self.new_rooms.insert(room_id.to_owned());
            } else if is_joined {
                self.arrived.insert(target.to_owned());
            } else {
                self.departed.insert(target.to_owned());
            }
        }
        Ok(())
    }
}

async fn was_joined(
    snapshot: &Snapshot,
    rooms: &Rooms,
    event: &RoomEvent,
) -> Result<bool, AppServiceError> {
    let Some(former) = event.pdu.replaces_state() else { return Ok(false) };
    let former = rooms.event(snapshot, former).await?;
    Ok(former.is_some_and(|former| membership(&former) == MembershipState::Join))
}

/// Adds whose devices changed since a position, and whose no longer matter.
pub(crate) async fn add_device_lists(
    draft: &mut Draft,
    snapshot: &Snapshot,
    rooms: &Rooms,
    service: &Registration,
    interest: &Interest,
    movements: Movements,
    since: Position,
) -> Result<(), AppServiceError> {
    let Movements { arrived, departed, new_rooms } = movements;
    draft.changed = arrived;
    for room_id in new_rooms {
        let members = rooms.members(snapshot, &room_id, MembershipKind::Join).await?;
        draft.changed.extend(members.into_iter().map(|member| member.user_id));
    }
    for user_id in DeviceLists::changed_since(snapshot, since).await? {
        if !draft.changed.contains(&user_id)
            && shares_encrypted_room(snapshot, rooms, service, interest, &user_id).await?
        {
            draft.changed.insert(user_id);
        }
    }
    for user_id in departed {
        if !shares_encrypted_room(snapshot, rooms, service, interest, &user_id).await? {
            draft.changed.remove(&user_id);
            draft.left.insert(user_id);
        }
    }
    Ok(())
}

/// Whether a user is in an encrypted room with any user of the service.
async fn shares_encrypted_room(
    snapshot: &Snapshot,
    rooms: &Rooms,
    service: &Registration,
    interest: &Interest,
    user_id: &UserId,
) -> Result<bool, AppServiceError> {
    let joined = rooms.joined_rooms(snapshot, user_id).await?;
    let summaries = rooms.summaries(snapshot, &joined).await?;
    for (room_id, summary) in joined.iter().zip(summaries) {
        let is_encrypted = summary.is_some_and(|(summary, _)| summary.encryption.is_some());
        if is_encrypted && interest.is_inhabited(snapshot, rooms, service, room_id).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
