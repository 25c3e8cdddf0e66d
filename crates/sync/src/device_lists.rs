//! Whose devices a client must look at again, and whose no longer (client-server API, section
//! "Tracking the device list for a user").

use std::collections::{BTreeSet, HashSet};

use pli_accounts::device_lists::DeviceLists as ChangedDeviceLists;
use pli_rooms::{MembershipKind, RoomEvent};
use ruma::{
    OwnedRoomId, OwnedUserId, api::client::sync::sync_events::DeviceLists,
    events::room::member::MembershipState,
};
use serde::Deserialize;

use crate::{SyncError, answer::Answering};

/// What happened in encrypted rooms that bears on device lists.
#[derive(Default)]
pub(crate) struct DeviceListChanges {
    /// Whose members are all new to the client: rooms that it just joined, or that were just
    /// encrypted.
    new_rooms: Vec<OwnedRoomId>,
    /// Rooms that the user just left.
    left_rooms: Vec<OwnedRoomId>,
    /// Who came into a room.
    arrived: BTreeSet<OwnedUserId>,
    /// Who went out of a room.
    departed: BTreeSet<OwnedUserId>,
}

impl DeviceListChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.new_rooms.is_empty()
            && self.left_rooms.is_empty()
            && self.arrived.is_empty()
            && self.departed.is_empty()
    }

    pub(crate) fn all_members_of(&mut self, room_id: OwnedRoomId) {
        self.new_rooms.push(room_id);
    }

    pub(crate) fn left_room(&mut self, room_id: OwnedRoomId) {
        self.left_rooms.push(room_id);
    }

    pub(crate) fn note_member(&mut self, event: &RoomEvent) {
        #[derive(Deserialize)]
        struct Content {
            membership: MembershipState,
        }
        let Some(user_id) = event.pdu.state_key().and_then(|key| OwnedUserId::try_from(key).ok())
        else {
            return;
        };
        match event.pdu.content_as::<Content>().map(|content| content.membership) {
            Ok(MembershipState::Join) => {
                self.departed.remove(&user_id);
                self.arrived.insert(user_id);
            }
            Ok(MembershipState::Leave | MembershipState::Ban) => {
                self.arrived.remove(&user_id);
                self.departed.insert(user_id);
            }
            _ => {}
        }
    }
}

impl Answering<'_> {
    /// `device_lists` of an incremental sync.
    pub(crate) async fn device_lists_since(&self) -> Result<DeviceLists, SyncError> {
        let user_id = &self.request.user_id;
        let noted = &self.device_lists;
        let mut changed: BTreeSet<OwnedUserId> = noted.arrived.clone();
        for room_id in &noted.new_rooms {
            let members =
                self.rooms().members(&self.snapshot, room_id, MembershipKind::Join).await?;
            changed.extend(members.into_iter().map(|member| member.user_id));
        }

        // Whose keys changed matters to those who share an encrypted room with them, and to
        // themselves.
        for other in ChangedDeviceLists::changed_since(&self.snapshot, self.since).await? {
            if changed.contains(&other) {
                continue;
            }
            let matters = other == *user_id || self.shares_encrypted_room(&other).await?;
            if matters {
                changed.insert(other);
            }
        }
        changed
            .extend(ChangedDeviceLists::signed_since(&self.snapshot, user_id, self.since).await?);

        let mut gone: HashSet<OwnedUserId> = noted.departed.iter().cloned().collect();
        for room_id in &noted.left_rooms {
            let members =
                self.rooms().members(&self.snapshot, room_id, MembershipKind::Join).await?;
            gone.extend(members.into_iter().map(|member| member.user_id));
        }
        gone.remove(user_id);
        let mut left = Vec::new();
        for other in gone {
            if !self.shares_encrypted_room(&other).await? {
                changed.remove(&other);
                left.push(other);
            }
        }
        left.sort_unstable();

        let mut lists = DeviceLists::new();
        lists.changed = changed.into_iter().collect();
        lists.left = left;
        Ok(lists)
    }

    async fn shares_encrypted_room(&self, other: &ruma::UserId) -> Result<bool, SyncError> {
        let user_id = &self.request.user_id;
        Ok(self.rooms().share_encrypted_room(&self.snapshot, user_id, other, &[]).await?)
    }
}
