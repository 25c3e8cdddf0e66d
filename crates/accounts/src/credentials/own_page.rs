//! What people do to their passwords on the server's own pages, where a form asks for everything.

use ruma::UserId;

use super::Credentials;
use crate::{Accounts, AccountsError};

impl Credentials {
    /// Whether somebody signs in with a password of this server's.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_password(&self, user_id: &UserId) -> Result<bool, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        if Accounts::password_at(&snapshot, user_id).await?.is_none() {
            return Ok(false);
        }
        match self.upstream.check_password_at(&snapshot, user_id).await {
            Ok(()) => Ok(true),
            Err(AccountsError::Forbidden(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets a new password for somebody who gives the old one. With `logout_devices`, all devices are
    /// signed out.
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`] if the old password is wrong, or there is none;
    /// [`AccountsError::WeakPassword`], [`AccountsError::UserDeactivated`]; when the store fails.
    pub async fn replace_password(
        &self,
        user_id: &UserId,
        old_password: &str,
        new_password: &str,
        logout_devices: bool,
    ) -> Result<(), AccountsError> {
        self.passwords.check_strength(new_password)?;
        let snapshot = self.store.snapshot().await?;
        self.upstream.check_password_at(&snapshot, user_id).await?;
        let stored = Accounts::password_at(&snapshot, user_id).await?;
        drop(snapshot);
        let phc = stored.as_ref().map(|(record, _)| record.phc.as_str());
        if !self.passwords.verify(old_password, phc).await? {
            return Err(AccountsError::forbidden("the current password is wrong"));
        }
        self.reset_password_by_operator(user_id, new_password, logout_devices).await
    }
}
