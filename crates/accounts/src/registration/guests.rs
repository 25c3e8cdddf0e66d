//! Guests: accounts without a name of their own or a password, where the operator allows them
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#guest-access)).

use pli_store::Batch;
use ruma::OwnedUserId;

use super::{Registered, Registration};
use crate::{
    AccountsError,
    devices::SessionRequest,
    naming,
    profiles::{DISPLAY_NAME, Profile, Profiles},
};

/// How many characters a guest's name has after its beginning.
const NAME_CHARACTERS: usize = 16;

impl Registration {
    /// Lets a guest in. Their session is the only way into the account.
    ///
    /// # Errors
    /// [`AccountsError::GuestAccessForbidden`] unless the operator allows guests; when the store
    /// fails.
    pub async fn register_guest(
        &self,
        session: SessionRequest,
    ) -> Result<Registered, AccountsError> {
        if !self.config.guests {
            return Err(AccountsError::GuestAccessForbidden(
                "this server has no guests: create an account".into(),
            ));
        }
        // Which device it is, the server says: a guest has one.
        let session = SessionRequest { device_id: None, ..session };
        retry_on_conflict!(self.try_create_guest(&session).await)
    }

    async fn try_create_guest(
        &self,
        session: &SessionRequest,
    ) -> Result<Registered, AccountsError> {
        let user_id = self.new_guest_id()?;
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        self.accounts.stage_guest(&mut batch, &user_id);
        let mut profile = Profile::default();
        profile.fields.insert(DISPLAY_NAME.to_owned(), user_id.localpart().into());
        Profiles::stage_new(&mut batch, &user_id, &profile);
        let (session, revoked) =
            self.devices.stage_session(&snapshot, &mut batch, &user_id, session).await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        self.sessions.forget(revoked);
        Ok(Registered { user_id, session: Some(session) })
    }

    fn new_guest_id(&self) -> Result<OwnedUserId, AccountsError> {
        let name = format!("guest-{}", self.ambient.random_string(NAME_CHARACTERS));
        naming::user_id_for_name(&name, self.accounts.server_name())
    }
}
