use ruma::UserId;

use super::MembershipChange;
use crate::{Rooms, error::RoomError, rows::MembershipKind};

impl Rooms {
    /// Makes a user leave every room, reject every invitation and take back every knock, as after
    /// the deactivation of their account. What is left already stays so: it can be done again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn leave_all(&self, user_id: &UserId) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let rooms = self.user_rooms(&snapshot, user_id).await?;
        drop(snapshot);
        let is_in = |kind| {
            matches!(kind, MembershipKind::Join | MembershipKind::Invite | MembershipKind::Knock)
        };
        for room in rooms.into_iter().filter(|room| is_in(room.membership)) {
            let change = MembershipChange::new(user_id.to_owned(), room.room_id);
            match self.leave(change).await {
                // Removed by somebody else meanwhile: gone all the same.
                Ok(_) | Err(RoomError::Forbidden(_) | RoomError::UnknownRoom(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
