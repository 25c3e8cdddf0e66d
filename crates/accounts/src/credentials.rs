//! Changing and resetting passwords, and deactivating accounts (client-server API, sections "Current
//! account information" and "Account deactivation").

mod operator;
mod own_page;

use pli_store::{Batch, Direction, Expect, Keyspace, Store, ambient::Ambient};
use ruma::{OwnedSessionId, OwnedUserId, UserId, api::client::uiaa::AuthData};

use crate::{
    AccountData, Accounts, AccountsError, Devices, Filters, Passwords, Requester, Sessions,
    UserDirectory,
    accounts::{EMAILS, PASSWORDS, PasswordRecord, USER_EMAILS, USERS},
    backup, keys,
    profiles::Profiles,
    uia::{Fingerprint, Operation, Permit, UserInteractive},
    upstream::UpstreamRules,
    validation::{Delivery, EmailValidation, Purpose, TokenRequest},
};

/// user → nothing: deactivated, and still in rooms.
pub(crate) const DEPARTING: Keyspace<OwnedUserId, ()> = Keyspace::new("departing_users");

/// How many departing users are read at once.
const PAGE: usize = 1_000;

/// Changes what people sign in with.
#[derive(Clone)]
pub struct Credentials {
    store: Store,
    ambient: Ambient,
    accounts: Accounts,
    passwords: Passwords,
    devices: Devices,
    sessions: Sessions,
    validation: EmailValidation,
    user_interactive: UserInteractive,
    upstream: UpstreamRules,
}

/// The services that [`Credentials`] works with.
pub struct CredentialsParts {
    /// The store.
    pub store: Store,
    /// The clock and randomness.
    pub ambient: Ambient,
    /// The accounts.
    pub accounts: Accounts,
    /// What hashes their passwords.
    pub passwords: Passwords,
    /// What they are signed in on.
    pub devices: Devices,
    /// The tokens of these devices.
    pub sessions: Sessions,
    /// What confirms addresses.
    pub validation: EmailValidation,
    /// What asks for proof.
    pub user_interactive: UserInteractive,
    /// Which accounts no password opens.
    pub(crate) upstream: UpstreamRules,
}

impl Credentials {
    /// Changes credentials with these services.
    #[must_use]
    pub fn new(parts: CredentialsParts) -> Self {
        let CredentialsParts {
            store,
            ambient,
            accounts,
            passwords,
            devices,
            sessions,
            validation,
            user_interactive,
            upstream,
        } = parts;
        Self {
            store,
            ambient,
            accounts,
            passwords,
            devices,
            sessions,
            validation,
            user_interactive,
            upstream,
        }
    }

    /// Sends a code to an address whose owner forgot the password.
    ///
    /// Whether anybody has the address shows nowhere: without an account no mail is sent, and the
    /// answer is the same.
    ///
    /// # Errors
    /// [`AccountsError::LimitExceeded`]; when the store fails.
    pub async fn request_reset_token(
        &self,
        request: TokenRequest<'_>,
    ) -> Result<OwnedSessionId, AccountsError> {
        let is_known = self.accounts.owner_of_email(request.email).await?.is_some();
        let delivery = if is_known { Delivery::Code } else { Delivery::Nothing };
        self.validation.request_token(Purpose::PasswordReset, request, delivery).await
    }

    /// Sets a new password: for who is signed in and knows the old one, or for who reads the mail of
    /// the account's address. With `logout_devices`, all other devices are signed out.
    ///
    /// # Errors
    /// [`AccountsError::UserInteractive`], [`AccountsError::WeakPassword`],
    /// [`AccountsError::ThreepidNotFound`]; when the store fails.
    pub async fn change_password(
        &self,
        requester: Option<&Requester>,
        new_password: &str,
        logout_devices: bool,
        auth: Option<&AuthData>,
    ) -> Result<OwnedUserId, AccountsError> {
        self.passwords.check_strength(new_password)?;
        let user_id = requester.map(|requester| &*requester.user_id);
        // Not the password: its fast hash would lie in the store. Both ways of proof have one stage,
        // so proof and password come in the same request.
        let operation = Operation::password_change(user_id, Fingerprint::of(&logout_devices));
        let permit = self.user_interactive.authorise(&operation, auth).await?;
        let phc = self.passwords.hash(new_password).await?;
        retry_on_conflict!(self.try_change_password(requester, &phc, logout_devices, &permit).await)
    }

    async fn try_change_password(
        &self,
        requester: Option<&Requester>,
        phc: &str,
        logout_devices: bool,
        permit: &Permit,
    ) -> Result<OwnedUserId, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let owner = match permit.email() {
            Some(validated) => Some(
                Accounts::owner_of_email_at(&snapshot, &validated.email)
                    .await?
                    .ok_or(AccountsError::ThreepidNotFound)?,
            ),
            None => None,
        };
        let user_id = match (requester, owner) {
            // The mail of somebody else proves nothing about this account.
            (Some(requester), Some(owner)) if owner != requester.user_id => {
                return Err(AccountsError::forbidden(
                    "this e-mail address belongs to another account",
                ));
            }
            (Some(requester), _) => requester.user_id.clone(),
            (None, Some(owner)) => owner,
            (None, None) => {
                return Err(AccountsError::forbidden("sign in, or confirm your e-mail address"));
            }
        };
        self.upstream.check_password_at(&snapshot, &user_id).await?;
        let user = snapshot.get_versioned(&USERS, &user_id).await?;
        let (_, version) = user
            .filter(|(user, _)| user.deactivated_ms.is_none())
            .ok_or(AccountsError::UserDeactivated)?;

        let mut batch = Batch::new();
        permit.stage(&mut batch);
        batch.require(&USERS, &user_id, Expect::Version(version));
        let record = PasswordRecord { phc: phc.to_owned(), changed_ms: self.ambient.now_ms() };
        batch.put(&PASSWORDS, &user_id, &record);
        let mut revoked = None;
        if logout_devices {
            let mut others = Devices::ids_at(&snapshot, &user_id).await?;
            others.retain(|device_id| {
                requester.is_none_or(|requester| requester.device_id != *device_id)
            });
            revoked =
                Some(self.devices.stage_removals(&snapshot, &mut batch, &user_id, &others).await?);
        }
        drop(snapshot);
        self.store.commit(batch).await?;
        if let Some(revoked) = revoked {
            self.sessions.forget(revoked);
        }
        Ok(user_id)
    }

    /// Asks for the proof that an account is to be deactivated. Everything that must happen before
    /// (leaving rooms) can then be done; [`Self::deactivate`] ends it.
    ///
    /// # Errors
    /// [`AccountsError::UserInteractive`]; when the store fails.
    pub async fn authorise_deactivation(
        &self,
        user_id: &UserId,
        erase: bool,
        auth: Option<&AuthData>,
    ) -> Result<Permit, AccountsError> {
        let fingerprint = Fingerprint::of(&erase);
        let operation = Operation::confirmed_by_password("deactivation", user_id, fingerprint);
        self.user_interactive.authorise(&operation, auth).await
    }

    /// Deactivates an account for good: all devices are signed out with their keys, profile and
    /// addresses are removed, nobody finds it any more. Its user id is never given again.
    ///
    /// With `erase` nothing is kept that isn't needed for that; without, the password's hash stays,
    /// so that the owner is told what happened, and so do their account data and filters.
    ///
    /// # Errors
    /// [`AccountsError::UserDeactivated`] if it is already; when the store fails.
    pub async fn deactivate(
        &self,
        user_id: &UserId,
        erase: bool,
        permit: &Permit,
    ) -> Result<(), AccountsError> {
        retry_on_conflict!(self.try_deactivate(user_id, erase, permit).await)
    }

    /// Deactivates an account whose owner has just signed in on the server's own page and said so
    /// there; else as [`Self::deactivate`].
    ///
    /// # Errors
    /// [`AccountsError::UserDeactivated`] if it is already; when the store fails.
    pub async fn deactivate_confirmed(
        &self,
        user_id: &UserId,
        erase: bool,
    ) -> Result<(), AccountsError> {
        self.deactivate(user_id, erase, &Permit::unconditional()).await
    }

    /// The users who were deactivated and haven't left all rooms yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn departing(&self) -> Result<Vec<OwnedUserId>, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let mut user_ids: Vec<OwnedUserId> = Vec::new();
        loop {
            let range = match user_ids.last() {
                Some(last) => DEPARTING.all().after(last),
                None => DEPARTING.all(),
            };
            let rows = snapshot.scan(&DEPARTING, range, PAGE, Direction::Forward).await?;
            let is_last_page = rows.len() < PAGE;
            user_ids.extend(rows.into_iter().map(|row| row.key));
            if is_last_page {
                return Ok(user_ids);
            }
        }
    }

    /// Notes that a deactivated user has left all rooms.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn departed(&self, user_id: &UserId) -> Result<(), AccountsError> {
        let mut batch = Batch::new();
        batch.delete(&DEPARTING, user_id);
        self.store.commit(batch).await?;
        Ok(())
    }

    async fn try_deactivate(
        &self,
        user_id: &UserId,
        erase: bool,
        permit: &Permit,
    ) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let (mut user, version) = snapshot
            .get_versioned(&USERS, user_id)
            .await?
            .filter(|(user, _)| user.deactivated_ms.is_none())
            .ok_or(AccountsError::UserDeactivated)?;
        user.deactivated_ms = Some(self.ambient.now_ms());
        user.erased = erase;

        let mut batch = Batch::new();
        permit.stage(&mut batch);
        batch.require(&USERS, user_id, Expect::Version(version)).put(&USERS, user_id, &user);
        if erase {
            batch.delete(&PASSWORDS, user_id);
            AccountData::stage_removal(&snapshot, &mut batch, user_id).await?;
            Filters::stage_removal(&snapshot, &mut batch, user_id).await?;
        }
        for (email, _) in Accounts::emails_at(&snapshot, user_id).await? {
            batch.delete(&EMAILS, &email).delete(&USER_EMAILS, (user_id, &email));
        }
        Profiles::stage_removal(&mut batch, user_id);
        UserDirectory::stage_removal(&snapshot, &mut batch, user_id).await?;
        let device_ids = Devices::ids_at(&snapshot, user_id).await?;
        let revoked =
            self.devices.stage_removals(&snapshot, &mut batch, user_id, &device_ids).await?;
        keys::forget_user(&snapshot, &mut batch, user_id).await?;
        batch.put(&DEPARTING, user_id, &());
        backup::forget_user(&snapshot, &mut batch, user_id).await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        self.sessions.forget(revoked);
        Ok(())
    }
}
