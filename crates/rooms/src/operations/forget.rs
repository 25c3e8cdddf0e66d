use pli_store::{Batch, Expect, Touch};
use ruma::{RoomId, UserId};

use crate::{Rooms, error::RoomError, keyspaces::USER_ROOM, rows::MembershipKind};

impl Rooms {
    /// Forgets a room that the user has left: they don't see it or its history any more.
    ///
    /// # Errors
    /// [`RoomError::StillInRoom`] if the user hasn't left; [`RoomError::UnknownRoom`] if they never
    /// were in it; when the store fails.
    pub async fn forget(&self, user_id: &UserId, room_id: &RoomId) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let row = snapshot.get_versioned(&USER_ROOM, (user_id, room_id)).await?;
        drop(snapshot);
        let (row, version) = row.ok_or_else(|| RoomError::UnknownRoom(room_id.to_owned()))?;
        if !matches!(row.membership, MembershipKind::Leave | MembershipKind::Ban) {
            return Err(RoomError::StillInRoom);
        }
        if row.forgotten {
            return Ok(());
        }
        let mut row = row.settled(version);
        row.forgotten = true;
        let mut batch = Batch::new();
        batch
            .require(&USER_ROOM, (user_id, room_id), Expect::Version(version))
            .put(&USER_ROOM, (user_id, room_id), &row)
            .touch(Touch::User(user_id.to_owned()));
        self.inner.store.commit(batch).await?;
        Ok(())
    }
}
