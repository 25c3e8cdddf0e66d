//! What administrators may do to an account short of ending it: lock it, suspend it (client-server
//! API, sections "Account locking", "Account suspension").

use pli_store::{Batch, Expect, Touch};
use ruma::UserId;
use serde::{Deserialize, Serialize};

use crate::{
    Accounts, AccountsError, Sessions,
    accounts::{USERS, UserRecord},
};

/// How an account stands with the server's administrators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standing {
    /// Its owner can do nothing with it but sign out.
    #[serde(default)]
    pub locked: bool,
    /// Its owner can read, but not speak.
    #[serde(default)]
    pub suspended: bool,
    /// Its owner is a guest: nobody knows who, and they can do little.
    #[serde(default)]
    pub guest: bool,
}

/// Locks and suspends accounts. Cheap to clone.
#[derive(Clone)]
pub struct Moderation {
    accounts: Accounts,
    sessions: Sessions,
}

impl Moderation {
    /// For the accounts of this server.
    #[must_use]
    pub fn new(accounts: Accounts, sessions: Sessions) -> Self {
        Self { accounts, sessions }
    }

    /// Refuses whoever is no administrator.
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`]; when the store fails.
    pub async fn check_admin(&self, user_id: &UserId) -> Result<(), AccountsError> {
        let account = self.accounts.get(user_id).await?;
        if account.is_some_and(|account| account.admin && account.deactivated_ms.is_none()) {
            return Ok(());
        }
        Err(AccountsError::forbidden("only this server's administrators can do this"))
    }

    /// How an account stands, for an administrator.
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`], [`AccountsError::InvalidParam`] for users of other servers,
    /// [`AccountsError::NotFound`]; when the store fails.
    pub async fn standing(
        &self,
        admin: &UserId,
        user_id: &UserId,
    ) -> Result<Standing, AccountsError> {
        // First: nobody else learns who has an account.
        self.check_admin(admin).await?;
        Ok(self.subject(user_id).await?.standing)
    }

    /// Changes how an account stands. Holds from its owner's next request on.
    ///
    /// # Errors
    /// Those of [`Self::standing`]; [`AccountsError::Forbidden`] also for one's own account and those
    /// of other administrators.
    pub async fn change(
        &self,
        admin: &UserId,
        user_id: &UserId,
        edit: impl Fn(&mut Standing),
    ) -> Result<Standing, AccountsError> {
        self.check_admin(admin).await?;
        let subject = self.subject(user_id).await?;
        if subject.admin || admin == user_id {
            return Err(AccountsError::forbidden("administrators can't be locked or suspended"));
        }
        let standing = retry_on_conflict!(self.try_change(user_id, &edit).await)?;
        // What was remembered of their sessions says how they stood.
        self.sessions.forget_all();
        Ok(standing)
    }

    async fn subject(&self, user_id: &UserId) -> Result<UserRecord, AccountsError> {
        if !self.accounts.is_local(user_id) {
            return Err(AccountsError::invalid_param("this user is of another server"));
        }
        let account = self.accounts.get(user_id).await?;
        account
            .filter(|account| account.deactivated_ms.is_none())
            .ok_or_else(|| AccountsError::not_found("there is no such account"))
    }

    async fn try_change(
        &self,
        user_id: &UserId,
        edit: &impl Fn(&mut Standing),
    ) -> Result<Standing, AccountsError> {
        let store = self.accounts.store();
        let found = store.snapshot().await?.get_versioned(&USERS, user_id).await?;
        let (mut user, version) =
            found.ok_or_else(|| AccountsError::not_found("there is no such account"))?;
        edit(&mut user.standing);
        let standing = user.standing;
        let mut batch = Batch::new();
        batch
            .require(&USERS, user_id, Expect::Version(version))
            .put(&USERS, user_id, &user)
            .touch(Touch::row(&USERS, user_id));
        store.commit(batch).await?;
        Ok(standing)
    }
}
