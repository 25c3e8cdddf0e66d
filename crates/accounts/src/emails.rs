//! The e-mail addresses of an account (client-server API, section "Adding Account Administrative
//! Contact Information").

use std::sync::Arc;

use pli_store::{Batch, Expect, Snapshot, Store};
use ruma::{OwnedSessionId, UserId, api::client::uiaa::AuthData};

use crate::{
    Accounts, AccountsError, RegistrationConfig, RegistrationMode, UserDirectory,
    accounts::{EMAILS, Email, MAX_EMAILS, USER_EMAILS},
    profiles::Profiles,
    registration::check_domain,
    uia::{Fingerprint, Operation, Permit, UserInteractive},
    upstream::UpstreamRules,
    validation::{Delivery, EmailValidation, Purpose, TokenRequest},
};

/// Adds and removes the e-mail addresses of accounts.
#[derive(Clone)]
pub struct Emails {
    store: Store,
    config: Arc<RegistrationConfig>,
    accounts: Accounts,
    directory: UserDirectory,
    validation: EmailValidation,
    user_interactive: UserInteractive,
    upstream: UpstreamRules,
}

impl Emails {
    /// Changes the addresses of these accounts.
    #[must_use]
    pub fn new(
        store: Store,
        config: Arc<RegistrationConfig>,
        accounts: Accounts,
        directory: UserDirectory,
        validation: EmailValidation,
        user_interactive: UserInteractive,
    ) -> Self {
        let upstream = UpstreamRules::new(&[]);
        Self { store, config, accounts, directory, validation, user_interactive, upstream }
    }

    /// The same, with accounts that are linked to these providers.
    #[must_use]
    pub(crate) fn with_upstream(self, upstream: UpstreamRules) -> Self {
        Self { upstream, ..self }
    }

    /// Sends a code to an address that is to be added to an account.
    ///
    /// # Errors
    /// [`AccountsError::ThreepidDenied`], [`AccountsError::LimitExceeded`]; when the store fails.
    pub async fn request_token(
        &self,
        request: TokenRequest<'_>,
    ) -> Result<OwnedSessionId, AccountsError> {
        // Where the address is who somebody is, only addresses that can sign up count.
        if self.config.mode == RegistrationMode::Email {
            check_domain(&self.config, request.email)?;
        }
        let is_taken = self.accounts.owner_of_email(request.email).await?.is_some();
        let delivery = if is_taken { Delivery::AlreadyRegistered } else { Delivery::Code };
        self.validation.request_token(Purpose::AddEmail, request, delivery).await
    }

    /// Adds a confirmed address to an account.
    ///
    /// # Errors
    /// [`AccountsError::UserInteractive`], [`AccountsError::ThreepidAuthFailed`],
    /// [`AccountsError::ThreepidInUse`], [`AccountsError::ThreepidDenied`], or
    /// [`AccountsError::Forbidden`] where the addresses are a provider's business; when the store
    /// fails.
    pub async fn add(
        &self,
        user_id: &UserId,
        sid: &str,
        client_secret: &str,
        auth: Option<&AuthData>,
    ) -> Result<(), AccountsError> {
        self.upstream.check_email_unlocked_at(&self.store.snapshot().await?, user_id).await?;
        let fingerprint = Fingerprint::of(&(sid, client_secret));
        let operation = Operation::confirmed_by_password("add_email", user_id, fingerprint);
        let permit = self.user_interactive.authorise(&operation, auth).await?;
        retry_on_conflict!(self.try_add(user_id, sid, client_secret, &permit).await)
    }

    async fn try_add(
        &self,
        user_id: &UserId,
        sid: &str,
        client_secret: &str,
        permit: &Permit,
    ) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let validated =
            self.validation.validated_at(&snapshot, Purpose::AddEmail, sid, client_secret).await?;
        if snapshot.get(&EMAILS, validated.email.as_str()).await?.is_some() {
            return Err(AccountsError::ThreepidInUse);
        }
        let known = Accounts::emails_at(&snapshot, user_id).await?;
        if known.len() >= MAX_EMAILS {
            return Err(AccountsError::forbidden(
                "this account has too many e-mail addresses: remove one first",
            ));
        }
        let mut batch = Batch::new();
        permit.stage(&mut batch);
        validated.stage_use(&mut batch);
        self.accounts.stage_email(&mut batch, user_id, &validated.email, validated.validated_ms);
        let emails =
            known.iter().map(|(email, _)| email.as_str()).chain([validated.email.as_str()]);
        self.stage_directory(&snapshot, &mut batch, user_id, emails).await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Removes an address from an account; removing one that it hasn't is fine.
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`] for the only address of an account, and where the addresses are a
    /// provider's business; when the store fails.
    pub async fn remove(&self, user_id: &UserId, email: &Email) -> Result<(), AccountsError> {
        retry_on_conflict!(self.try_remove(user_id, email).await)
    }

    async fn try_remove(&self, user_id: &UserId, email: &Email) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let owner = snapshot.get_versioned(&EMAILS, email.as_str()).await?;
        let Some((_, version)) = owner.filter(|(owner, _)| owner.user_id == user_id) else {
            return Ok(());
        };
        self.upstream.check_email_unlocked_at(&snapshot, user_id).await?;
        let known = Accounts::emails_at(&snapshot, user_id).await?;
        // The address is how people are known to be who they say, and the only way back in after a
        // forgotten password.
        if known.len() == 1 {
            return Err(AccountsError::forbidden(
                "an account keeps at least one e-mail address: add another one first",
            ));
        }
        let mut batch = Batch::new();
        batch
            .require(&EMAILS, email.as_str(), Expect::Version(version))
            .delete(&EMAILS, email.as_str())
            .delete(&USER_EMAILS, (user_id, email.as_str()));
        let left = known.iter().map(|(known, _)| known.as_str());
        let left = left.filter(|known| *known != email.as_str());
        self.stage_directory(&snapshot, &mut batch, user_id, left).await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Gives an account another address, in a batch that does more: instead of an old one, if one is
    /// given. Whose the new one is, has been asked before.
    pub(crate) async fn stage_replacement(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        old: Option<&str>,
        new: &Email,
    ) -> Result<(), AccountsError> {
        let known = Accounts::emails_at(snapshot, user_id).await?;
        let kept = known.iter().map(|(email, _)| email.as_str());
        let kept: Vec<&str> = kept.filter(|email| Some(*email) != old).collect();
        if let Some(old) = old.filter(|old| known.iter().any(|(email, _)| email == old)) {
            batch.delete(&EMAILS, old).delete(&USER_EMAILS, (user_id, old));
        }
        let is_new = !kept.contains(&new.as_str());
        if is_new {
            self.accounts.stage_email(batch, user_id, new, self.accounts.now_ms());
        }
        let emails = kept.into_iter().chain(is_new.then_some(new.as_str()));
        self.stage_directory(snapshot, batch, user_id, emails).await
    }

    async fn stage_directory<'a>(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        emails: impl Iterator<Item = &'a str>,
    ) -> Result<(), AccountsError> {
        let profile = Profiles::get_at(snapshot, user_id).await?.unwrap_or_default();
        let display_name = profile.display_name();
        self.directory.stage_entry(snapshot, batch, user_id, display_name, emails).await
    }
}
