//! Accounts: which users exist on this server, their passwords and their e-mail addresses.

use pli_store::{Batch, Expect, Keyspace, Position, Record, Snapshot, Store, ambient::Ambient};
use ruma::{OwnedServerName, OwnedUserId, ServerName, UserId};
use serde::{Deserialize, Serialize};

use crate::{AccountsError, standing::Standing};

/// user → their account.
pub(crate) const USERS: Keyspace<OwnedUserId, UserRecord> = Keyspace::new("users");
/// user → their password's hash. No row: the account has no password.
pub(crate) const PASSWORDS: Keyspace<OwnedUserId, PasswordRecord> = Keyspace::new("passwords");
/// normalised e-mail address → whose it is.
pub(crate) const EMAILS: Keyspace<String, EmailOwner> = Keyspace::new("emails");
/// user, normalised e-mail address → since when.
pub(crate) const USER_EMAILS: Keyspace<(OwnedUserId, String), EmailRecord> =
    Keyspace::new("user_emails");

/// How many e-mail addresses an account can have.
pub const MAX_EMAILS: usize = 16;

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserRecord {
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// When it was deactivated, if it was.
    #[serde(default)]
    pub deactivated_ms: Option<u64>,
    /// Whether its owner asked to be forgotten as far as possible.
    #[serde(default)]
    pub erased: bool,
    /// Whether it may use the administration API.
    #[serde(default)]
    pub admin: bool,
    /// What administrators decided about it.
    #[serde(default)]
    pub standing: Standing,
}

impl Record for UserRecord {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PasswordRecord {
    /// The hash in PHC form, parameters and salt included.
    pub(crate) phc: String,
    pub(crate) changed_ms: u64,
}

impl Record for PasswordRecord {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EmailOwner {
    pub(crate) user_id: OwnedUserId,
}

impl Record for EmailOwner {}

/// An e-mail address of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmailRecord {
    /// When the address was confirmed, in milliseconds since the Unix epoch.
    pub validated_ms: u64,
    /// When it was added to the account.
    pub added_ms: u64,
}

impl Record for EmailRecord {}

/// The accounts of this server.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    ambient: Ambient,
    server_name: OwnedServerName,
}

impl Accounts {
    /// The accounts of the server with this name.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient, server_name: OwnedServerName) -> Self {
        Self { store, ambient, server_name }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.ambient.now_ms()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The part of user ids after the colon.
    #[must_use]
    pub fn server_name(&self) -> &ServerName {
        &self.server_name
    }

    /// Whether a user id belongs to this server, whether or not there is such an account.
    #[must_use]
    pub fn is_local(&self, user_id: &UserId) -> bool {
        user_id.server_name() == self.server_name
    }

    /// Whether there is, or once was, an account with this user id. Ids are never given twice.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn exists(&self, user_id: &UserId) -> Result<bool, AccountsError> {
        Ok(self.get(user_id).await?.is_some())
    }

    /// Whether there is an account with this user id that hasn't been deactivated.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_active(&self, user_id: &UserId) -> Result<bool, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        Self::is_active_at(&snapshot, user_id).await
    }

    /// The same as [`Self::is_active`], as a snapshot sees it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_active_at(
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<bool, AccountsError> {
        let user = snapshot.get(&USERS, user_id).await?;
        Ok(user.is_some_and(|user| user.deactivated_ms.is_none()))
    }

    /// Those of these users who are guests of this server.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn guests_among(
        snapshot: &Snapshot,
        user_ids: &[OwnedUserId],
    ) -> Result<Vec<OwnedUserId>, AccountsError> {
        let records = snapshot.get_many(&USERS, user_ids).await?;
        let found = user_ids.iter().zip(records);
        let is_guest = |record: Option<(UserRecord, _)>| {
            record.is_some_and(|(user, _)| user.standing.guest && user.deactivated_ms.is_none())
        };
        Ok(found
            .filter_map(|(user_id, record)| is_guest(record).then(|| user_id.clone()))
            .collect())
    }

    /// An account.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, user_id: &UserId) -> Result<Option<UserRecord>, AccountsError> {
        Ok(self.store.snapshot().await?.get(&USERS, user_id).await?)
    }

    /// The accounts in the order of their ids: at most `limit` after the one given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(
        &self,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<(OwnedUserId, UserRecord)>, AccountsError> {
        let range = match after {
            Some(user_id) => USERS.all().after(user_id),
            None => USERS.all(),
        };
        let snapshot = self.store.snapshot().await?;
        let rows = snapshot.scan(&USERS, range, limit, pli_store::Direction::Forward).await?;
        Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
    }

    /// Makes an account an administrator's, or not any more.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] without such an account; when the store fails.
    pub async fn set_admin(&self, user_id: &UserId, admin: bool) -> Result<(), AccountsError> {
        retry_on_conflict!(self.try_set_admin(user_id, admin).await)
    }

    async fn try_set_admin(&self, user_id: &UserId, admin: bool) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let (mut user, version) = snapshot
            .get_versioned(&USERS, user_id)
            .await?
            .ok_or_else(|| AccountsError::not_found("there is no such account"))?;
        drop(snapshot);
        user.admin = admin;
        let mut batch = Batch::new();
        batch.require(&USERS, user_id, Expect::Version(version)).put(&USERS, user_id, &user);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Whose e-mail address this is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn owner_of_email(
        &self,
        email: &Email,
    ) -> Result<Option<OwnedUserId>, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        Self::owner_of_email_at(&snapshot, email).await
    }

    pub(crate) async fn owner_of_email_at(
        snapshot: &Snapshot,
        email: &Email,
    ) -> Result<Option<OwnedUserId>, AccountsError> {
        Ok(snapshot.get(&EMAILS, email.as_str()).await?.map(|owner| owner.user_id))
    }

    /// The confirmed e-mail addresses of an account.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn emails(
        &self,
        user_id: &UserId,
    ) -> Result<Vec<(String, EmailRecord)>, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        Self::emails_at(&snapshot, user_id).await
    }

    pub(crate) async fn emails_at(
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Vec<(String, EmailRecord)>, AccountsError> {
        let rows = snapshot
            .scan(
                &USER_EMAILS,
                USER_EMAILS.prefix((user_id,)),
                MAX_EMAILS,
                pli_store::Direction::Forward,
            )
            .await?;
        Ok(rows.into_iter().map(|row| (row.key.1, row.value)).collect())
    }

    /// Adds a confirmed e-mail address to an account, in a batch that does more.
    pub(crate) fn stage_email(
        &self,
        batch: &mut Batch,
        user_id: &UserId,
        email: &Email,
        validated_ms: u64,
    ) {
        let owner = EmailOwner { user_id: user_id.to_owned() };
        let record = EmailRecord { validated_ms, added_ms: self.ambient.now_ms() };
        batch
            .require(&EMAILS, email.as_str(), Expect::Absent)
            .put(&EMAILS, email.as_str(), &owner)
            .put(&USER_EMAILS, (user_id, email.as_str()), &record);
    }

    /// Creates an account in a batch that does more.
    pub(crate) fn stage_account(&self, batch: &mut Batch, user_id: &UserId, admin: bool) {
        let record = UserRecord {
            created_ms: self.ambient.now_ms(),
            deactivated_ms: None,
            erased: false,
            admin,
            standing: Standing::default(),
        };
        batch.require(&USERS, user_id, Expect::Absent).put(&USERS, user_id, &record);
    }

    pub(crate) fn stage_guest(&self, batch: &mut Batch, user_id: &UserId) {
        let record = UserRecord {
            created_ms: self.ambient.now_ms(),
            deactivated_ms: None,
            erased: false,
            admin: false,
            standing: Standing { guest: true, ..Standing::default() },
        };
        batch.require(&USERS, user_id, Expect::Absent).put(&USERS, user_id, &record);
    }

    pub(crate) fn stage_password(&self, batch: &mut Batch, user_id: &UserId, phc: String) {
        let record = PasswordRecord { phc, changed_ms: self.ambient.now_ms() };
        batch.put(&PASSWORDS, user_id, &record);
    }

    pub(crate) async fn password_at(
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Option<(PasswordRecord, Position)>, AccountsError> {
        Ok(snapshot.get_versioned(&PASSWORDS, user_id).await?)
    }
}

/// An e-mail address in the form in which it is stored and compared: lower case, without spaces
/// around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email {
    normalised: String,
    at: usize,
}

impl Email {
    /// Reads an address as somebody typed it. The specification asks to compare case-insensitively.
    ///
    /// # Errors
    /// [`AccountsError::InvalidParam`] if it isn't an address.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        let invalid = || AccountsError::invalid_param("this is not an e-mail address");
        let normalised = text.trim().to_lowercase();
        // 254 characters is what a mail server has to accept (RFC 5321, section 4.5.3.1.3).
        if normalised.len() > 254 {
            return Err(invalid());
        }
        normalised.parse::<lettre::Address>().map_err(|_| invalid())?;
        let at = normalised.rfind('@').ok_or_else(invalid)?;
        Ok(Self { normalised, at })
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.normalised
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        &self.normalised[..self.at]
    }

    /// What stands after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.normalised[self.at + 1..]
    }
}
