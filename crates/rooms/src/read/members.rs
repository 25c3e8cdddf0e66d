use std::collections::HashSet;

use pli_store::{Direction, Snapshot};
use ruma::{OwnedUserId, RoomId, UserId};

use super::lists::PAGE;
use crate::{
    Rooms,
    error::RoomError,
    keyspaces::MEMBER,
    rows::{MemberRow, MembershipKind},
};

/// A member of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user_id: OwnedUserId,
    /// Their membership event, and their name and picture in the room.
    pub row: MemberRow,
}

impl Rooms {
    /// A page of a room's current members with one membership, in the order of their user ids.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn members_page(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        membership: MembershipKind,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, RoomError> {
        let mut range = MEMBER.prefix((room_id, membership));
        if let Some(after) = after {
            range = range.after((room_id, membership, after));
        }
        let rows = snapshot.scan(&MEMBER, range, limit, Direction::Forward).await?;
        Ok(rows.into_iter().map(|row| Member { user_id: row.key.2, row: row.value }).collect())
    }

    /// All of a room's current members with one membership. Grows with the room: for answers to
    /// clients that ask for all of them, never for what happens with every message.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn members(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        membership: MembershipKind,
    ) -> Result<Vec<Member>, RoomError> {
        let mut members: Vec<Member> = Vec::new();
        loop {
            let after = members.last().map(|member| &*member.user_id);
            let page = self.members_page(snapshot, room_id, membership, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            members.extend(page);
            if is_last {
                return Ok(members);
            }
        }
    }

    /// Everybody who is joined to an encrypted room that the user is joined to, the user included if
    /// there is such a room: those whose devices the user wants to know about.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn users_sharing_encrypted_rooms(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<HashSet<OwnedUserId>, RoomError> {
        let mut users = HashSet::new();
        let rooms = self.joined_rooms(snapshot, user_id).await?;
        let summaries = self.summaries(snapshot, &rooms).await?;
        for (room_id, summary) in rooms.iter().zip(summaries) {
            if summary.is_some_and(|(summary, _)| summary.encryption.is_some()) {
                let members = self.members(snapshot, room_id, MembershipKind::Join).await?;
                users.extend(members.into_iter().map(|member| member.user_id));
            }
        }
        Ok(users)
    }

    /// Whether two users are joined to the same encrypted room. The rooms in `except` don't count.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn share_encrypted_room(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        other: &UserId,
        except: &[&RoomId],
    ) -> Result<bool, RoomError> {
        let rooms = self.joined_rooms(snapshot, user_id).await?;
        let of_other: HashSet<_> = self.joined_rooms(snapshot, other).await?.into_iter().collect();
        let shared = |room_id: &ruma::OwnedRoomId| {
            of_other.contains(room_id) && !except.contains(&&**room_id)
        };
        let shared: Vec<_> = rooms.into_iter().filter(shared).collect();
        let summaries = self.summaries(snapshot, &shared).await?;
        let encrypted = |(summary, _): &(crate::RoomSummary, _)| summary.encryption.is_some();
        Ok(summaries.iter().flatten().any(encrypted))
    }

    /// Whether two users are joined to the same room, encrypted or not.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn share_room(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        other: &UserId,
    ) -> Result<bool, RoomError> {
        let rooms: HashSet<_> = self.joined_rooms(snapshot, user_id).await?.into_iter().collect();
        let of_other = self.joined_rooms(snapshot, other).await?;
        Ok(of_other.iter().any(|room_id| rooms.contains(room_id)))
    }
}
