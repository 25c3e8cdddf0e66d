//! What an operator does to accounts at the server's own keyboard: no stages, no sessions.

use pli_store::{Batch, Expect};
use ruma::UserId;

use super::Credentials;
use crate::{
    AccountsError, Devices,
    accounts::{PASSWORDS, PasswordRecord, USERS},
    uia::Permit,
};

impl Credentials {
    /// Deactivates an account on the operator's word; else as [`Credentials::deactivate`].
    ///
    /// # Errors
    /// [`AccountsError::UserDeactivated`] if it is already, or was never there; when the store fails.
    pub async fn deactivate_by_operator(
        &self,
        user_id: &UserId,
        erase: bool,
    ) -> Result<(), AccountsError> {
        self.deactivate(user_id, erase, &Permit::unconditional()).await
    }

    /// Sets a new password on the operator's word and signs all devices out, unless they are to stay.
    /// What the user wrote stays readable only to who has a recovery code or another device.
    ///
    /// # Errors
    /// [`AccountsError::WeakPassword`]; [`AccountsError::UserDeactivated`] if nobody can sign in
    /// there; when the store fails.
    pub async fn reset_password_by_operator(
        &self,
        user_id: &UserId,
        new_password: &str,
        logout_devices: bool,
    ) -> Result<(), AccountsError> {
        self.passwords.check_strength(new_password)?;
        let phc = self.passwords.hash(new_password).await?;
        retry_on_conflict!(self.try_reset_password(user_id, &phc, logout_devices).await)
    }

    async fn try_reset_password(
        &self,
        user_id: &UserId,
        phc: &str,
        logout_devices: bool,
    ) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let (_, version) = snapshot
            .get_versioned(&USERS, user_id)
            .await?
            .filter(|(user, _)| user.deactivated_ms.is_none())
            .ok_or(AccountsError::UserDeactivated)?;
        let mut batch = Batch::new();
        batch.require(&USERS, user_id, Expect::Version(version));
        let record = PasswordRecord { phc: phc.to_owned(), changed_ms: self.ambient.now_ms() };
        batch.put(&PASSWORDS, user_id, &record);
        let device_ids =
            if logout_devices { Devices::ids_at(&snapshot, user_id).await? } else { Vec::new() };
        let revoked =
            self.devices.stage_removals(&snapshot, &mut batch, user_id, &device_ids).await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        self.sessions.forget(revoked);
        Ok(())
    }
}
