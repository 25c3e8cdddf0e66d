//! What follows the deactivation of an account beyond it: its user leaves all rooms.

use axum::extract::FromRef;
use pli_accounts::Credentials;
use pli_rooms::Rooms;
use ruma::UserId;

use crate::MatrixError;

/// Takes deactivated users out of their rooms. The accounts remember who is still to go, so that a
/// restart forgets nobody.
#[derive(Clone)]
pub struct Departures {
    credentials: Credentials,
    rooms: Rooms,
}

impl<S> FromRef<S> for Departures
where
    Credentials: FromRef<S>,
    Rooms: FromRef<S>,
{
    fn from_ref(state: &S) -> Self {
        Self::new(Credentials::from_ref(state), Rooms::from_ref(state))
    }
}

impl Departures {
    /// Takes the users whom `credentials` deactivates out of `rooms`.
    #[must_use]
    pub fn new(credentials: Credentials, rooms: Rooms) -> Self {
        Self { credentials, rooms }
    }

    /// Takes a user out of all rooms, in the background.
    pub(crate) fn begin(&self, user_id: &UserId) {
        let departures = self.clone();
        let user_id = user_id.to_owned();
        tokio::spawn(async move { departures.finish(&user_id).await });
    }

    /// Ends what a stop of the server left undone. To be called once after the start.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume(&self) -> Result<(), MatrixError> {
        for user_id in self.credentials.departing().await? {
            self.finish(&user_id).await;
        }
        Ok(())
    }

    async fn finish(&self, user_id: &UserId) {
        if let Err(error) = self.rooms.leave_all(user_id).await {
            // The accounts remember: the next start tries again.
            tracing::warn!(%user_id, %error, "a deactivated user is still in some rooms");
            return;
        }
        if let Err(error) = self.credentials.departed(user_id).await {
            tracing::warn!(%user_id, %error, "a departure will be done again after a restart");
        }
    }
}
