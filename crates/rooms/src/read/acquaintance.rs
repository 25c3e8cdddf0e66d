use std::collections::HashSet;

use pli_store::Snapshot;
use ruma::{OwnedRoomId, OwnedUserId, UserId, room::JoinRuleKind};

use crate::{
    Rooms,
    error::RoomError,
    rows::{MembershipKind, RoomSummary},
};

/// From how many members on a room that isn't encrypted makes nobody follow anybody's devices.
const CROWD: u64 = 200;

impl RoomSummary {
    /// Whether the members of the room follow each other's devices. In an encrypted room they have
    /// to; in another one they can begin to speak in secret at any time, unless it is a crowd.
    #[must_use]
    pub fn tracks_devices(&self) -> bool {
        self.encryption.is_some() || self.joined < CROWD
    }
}

/// Whom a user may find in a directory that isn't open to all.
#[derive(Debug)]
pub struct Acquaintances {
    rooms: HashSet<OwnedRoomId>,
}

impl Rooms {
    /// What is to be known of a user to say whom they may find.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn acquaintances(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Acquaintances, RoomError> {
        let rooms = self.joined_rooms(snapshot, user_id).await?.into_iter().collect();
        Ok(Acquaintances { rooms })
    }

    /// Whether somebody may be found: they share a room with the user, or are in one that everybody
    /// can join.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn may_find(
        &self,
        snapshot: &Snapshot,
        acquaintances: &Acquaintances,
        other: &UserId,
    ) -> Result<bool, RoomError> {
        let of_other = self.joined_rooms(snapshot, other).await?;
        if of_other.iter().any(|room_id| acquaintances.rooms.contains(room_id)) {
            return Ok(true);
        }
        let summaries = self.summaries(snapshot, &of_other).await?;
        let mut summaries = summaries.into_iter().flatten();
        Ok(summaries.any(|(summary, _)| summary.join_rule == JoinRuleKind::Public))
    }

    /// Everybody whose devices a user follows, the user included if they follow anybody's.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn users_with_tracked_devices(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<HashSet<OwnedUserId>, RoomError> {
        let mut users = HashSet::new();
        let rooms = self.joined_rooms(snapshot, user_id).await?;
        let summaries = self.summaries(snapshot, &rooms).await?;
        for (room_id, summary) in rooms.iter().zip(summaries) {
            if summary.is_some_and(|(summary, _)| summary.tracks_devices()) {
                let members = self.members(snapshot, room_id, MembershipKind::Join).await?;
                users.extend(members.into_iter().map(|member| member.user_id));
            }
        }
        Ok(users)
    }
}
