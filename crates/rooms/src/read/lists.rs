use pli_store::{Direction, Position, Snapshot};
use ruma::{OwnedRoomId, RoomId, UserId};

use crate::{
    Rooms,
    error::RoomError,
    keyspaces::{ROOM_HEAD, ROOM_SUMMARY, USER_ROOM},
    rows::{MembershipKind, RoomHead, RoomSummary, UserRoom},
};

/// How many rows a scan takes at once.
pub(crate) const PAGE: usize = 1000;

impl Rooms {
    /// All the rooms that a user is or was something to, forgotten ones included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn user_rooms(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Vec<UserRoom>, RoomError> {
        let mut rooms: Vec<UserRoom> = Vec::new();
        loop {
            let mut range = USER_ROOM.prefix((user_id,));
            if let Some(last) = rooms.last() {
                range = range.after((user_id, &last.room_id));
            }
            let rows = snapshot.scan(&USER_ROOM, range, PAGE, Direction::Forward).await?;
            let is_last = rows.len() < PAGE;
            rooms.extend(rows.into_iter().map(|row| row.value.read(row.key.1, row.version)));
            if is_last {
                return Ok(rooms);
            }
        }
    }

    /// The rooms that a user is joined to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn joined_rooms(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Vec<OwnedRoomId>, RoomError> {
        let rooms = self.user_rooms(snapshot, user_id).await?;
        let joined = rooms.into_iter().filter(|room| room.membership == MembershipKind::Join);
        Ok(joined.map(|room| room.room_id).collect())
    }

    /// What a user is to a room; `None` if they never were anything to it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn user_room(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<Option<UserRoom>, RoomError> {
        let row = snapshot.get_versioned(&USER_ROOM, (user_id, room_id)).await?;
        Ok(row.map(|(row, version)| row.read(room_id.to_owned(), version)))
    }

    /// Whether a user is joined to a room.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_joined(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<bool, RoomError> {
        let row = snapshot.get(&USER_ROOM, (user_id, room_id)).await?;
        Ok(row.is_some_and(|row| row.membership == MembershipKind::Join))
    }

    /// Where a room stands. The position is that of the last event appended to it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn head(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
    ) -> Result<Option<(RoomHead, Position)>, RoomError> {
        Ok(snapshot.get_versioned(&ROOM_HEAD, room_id).await?)
    }

    /// Where many rooms stand, in the order of the ids.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn heads(
        &self,
        snapshot: &Snapshot,
        room_ids: &[OwnedRoomId],
    ) -> Result<Vec<Option<(RoomHead, Position)>>, RoomError> {
        Ok(snapshot.get_many(&ROOM_HEAD, room_ids).await?)
    }

    /// What lists show of a room. The position is that of its last change.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn summary(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
    ) -> Result<Option<(RoomSummary, Position)>, RoomError> {
        Ok(snapshot.get_versioned(&ROOM_SUMMARY, room_id).await?)
    }

    /// What lists show of many rooms, in the order of the ids.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn summaries(
        &self,
        snapshot: &Snapshot,
        room_ids: &[OwnedRoomId],
    ) -> Result<Vec<Option<(RoomSummary, Position)>>, RoomError> {
        Ok(snapshot.get_many(&ROOM_SUMMARY, room_ids).await?)
    }
}
