//! Whose devices a client must look at again, and whose no longer (client-server API, section
//! "Tracking the device list for a user").

use std::collections::{BTreeSet, HashSet};

use pli_accounts::device_lists::DeviceLists as ChangedDeviceLists;
use pli_rooms::MembershipKind;
use ruma::{OwnedRoomId, OwnedUserId, UserId, api::client::sync::sync_events::DeviceLists};

use crate::{SyncError, answer::Answering};

/// What happened in rooms that bears on device lists.
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

    pub(crate) fn arrived(&mut self, user_id: OwnedUserId) {
        self.arrived.insert(user_id);
    }

    pub(crate) fn departed(&mut self, user_id: OwnedUserId) {
        self.departed.insert(user_id);
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

        // Whose keys changed matters to those who share a room with them, and to themselves.
        let others = ChangedDeviceLists::changed_since(&self.snapshot, self.since).await?;
        let mut neighbours = Neighbours::new(self, others.len());
        for other in others {
            if changed.contains(&other) {
                continue;
            }
            let matters = other == *user_id || neighbours.include(&other).await?;
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
        let mut neighbours = Neighbours::new(self, gone.len());
        for other in gone {
            if !neighbours.include(&other).await? {
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
}

/// From how many people on their rooms aren't looked up one by one.
const MANY: usize = 64;

/// Who shares a room with whoever asks in which devices are followed.
struct Neighbours<'a> {
    answering: &'a Answering<'a>,
    /// About how many people will be asked about.
    asked: usize,
    all: Option<HashSet<OwnedUserId>>,
    tracked_rooms: Option<HashSet<OwnedRoomId>>,
}

impl<'a> Neighbours<'a> {
    fn new(answering: &'a Answering<'a>, asked: usize) -> Self {
        Self { answering, asked, all: None, tracked_rooms: None }
    }

    async fn include(&mut self, other: &UserId) -> Result<bool, SyncError> {
        let Answering { snapshot, request, .. } = self.answering;
        let rooms = self.answering.rooms();
        if self.asked >= MANY {
            if self.all.is_none() {
                let all = rooms.users_with_tracked_devices(snapshot, &request.user_id).await?;
                self.all = Some(all);
            }
            return Ok(self.all.as_ref().is_some_and(|all| all.contains(other)));
        }
        let of_other = rooms.joined_rooms(snapshot, other).await?;
        // Whoever just signed up is nowhere yet.
        if of_other.is_empty() {
            return Ok(false);
        }
        if self.tracked_rooms.is_none() {
            let own = rooms.joined_rooms(snapshot, &request.user_id).await?;
            let summaries = rooms.summaries(snapshot, &own).await?;
            let tracked = own.into_iter().zip(summaries).filter(|(_, summary)| {
                summary.as_ref().is_some_and(|(summary, _)| summary.tracks_devices())
            });
            self.tracked_rooms = Some(tracked.map(|(room_id, _)| room_id).collect());
        }
        let tracked = self.tracked_rooms.as_ref();
        Ok(tracked.is_some_and(|rooms| of_other.iter().any(|room_id| rooms.contains(room_id))))
    }
}
