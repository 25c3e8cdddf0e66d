//! Signing in (client-server API, section "Login").

use std::time::Duration;

use pli_store::{Batch, Expect, Keyspace, Record, Store, ambient::Ambient};
use ruma::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Accounts, AccountsError, Devices, Passwords, Sessions, SessionsConfig,
    accounts::{Email, PASSWORDS, PasswordRecord, USERS},
    devices::{NewSession, SessionRequest},
    sessions::SessionSource,
    token::{self, TokenHash, TokenKind},
    upstream::{UpstreamOrigin, UpstreamRules},
};

/// hash of a login token → whose it is.
pub(crate) const LOGIN_TOKENS: Keyspace<TokenHash, LoginTokenRecord> =
    Keyspace::new("login_tokens");

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoginTokenRecord {
    user_id: OwnedUserId,
    pub(crate) expires_ms: u64,
    /// The session at a provider with which its owner came.
    #[serde(default)]
    origin: Option<UpstreamOrigin>,
}

impl Record for LoginTokenRecord {}

/// How somebody says who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// A user id or the local part of one.
    User(String),
    /// An e-mail address.
    Email(String),
}

/// Signs people in.
#[derive(Clone)]
pub struct Login {
    store: Store,
    ambient: Ambient,
    accounts: Accounts,
    passwords: Passwords,
    devices: Devices,
    sessions: Sessions,
    login_token_lifetime: Duration,
    upstream: UpstreamRules,
}

impl Login {
    /// Signs people in to these accounts, on these devices.
    #[must_use]
    pub fn new(
        store: Store,
        ambient: Ambient,
        accounts: Accounts,
        passwords: Passwords,
        devices: Devices,
        sessions: Sessions,
        config: &SessionsConfig,
    ) -> Self {
        let login_token_lifetime = config.login_token_lifetime;
        let upstream = UpstreamRules::new(&[]);
        Self {
            store,
            ambient,
            accounts,
            passwords,
            devices,
            sessions,
            login_token_lifetime,
            upstream,
        }
    }

    /// The same, with accounts that are linked to these providers.
    #[must_use]
    pub(crate) fn with_upstream(self, upstream: UpstreamRules) -> Self {
        Self { upstream, ..self }
    }

    /// Signs in with a password.
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`] if there is no such account or the password is wrong (the same
    /// answer after the same work), [`AccountsError::UserDeactivated`] and
    /// [`AccountsError::UserLocked`] only to who knows the password; when the store fails.
    pub async fn with_password(
        &self,
        identifier: &Identifier,
        password: &str,
        request: &SessionRequest,
    ) -> Result<NewSession, AccountsError> {
        let user_id = self.check_password(identifier, password).await?;
        retry_on_conflict!(self.try_open(&user_id, request, None).await)
    }

    /// Opens a session of a user on the word of the application service that acts for them.
    ///
    /// # Errors
    /// [`AccountsError::UserDeactivated`] also if there is no such account; when the store fails.
    pub async fn for_service(
        &self,
        user_id: &UserId,
        request: &SessionRequest,
    ) -> Result<NewSession, AccountsError> {
        retry_on_conflict!(self.try_open(user_id, request, None).await)
    }

    /// The user that an identifier names, whether or not there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn user_of(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<OwnedUserId>, AccountsError> {
        self.resolve(&self.store.snapshot().await?, identifier).await
    }

    /// Whether this is the password of an account, and which account that is.
    ///
    /// # Errors
    /// The same as [`Self::with_password`].
    pub async fn check_password(
        &self,
        identifier: &Identifier,
        password: &str,
    ) -> Result<OwnedUserId, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let user_id = self.resolve(&snapshot, identifier).await?;
        let (user, stored) = match &user_id {
            Some(user_id) => (
                snapshot.get(&USERS, user_id).await?,
                Accounts::password_at(&snapshot, user_id).await?,
            ),
            None => (None, None),
        };
        drop(snapshot);

        let phc = stored.as_ref().map(|(record, _)| record.phc.as_str());
        let matches = self.passwords.verify(password, phc).await?;
        let (Some(user_id), Some(user), Some((record, version)), true) =
            (user_id, user, stored, matches)
        else {
            return Err(AccountsError::forbidden(
                "wrong user name, e-mail address or password: check them and try again",
            ));
        };
        if user.deactivated_ms.is_some() {
            return Err(AccountsError::UserDeactivated);
        }
        if user.standing.locked {
            return Err(AccountsError::UserLocked);
        }
        // Said only to who knows the password.
        self.upstream.check_password_at(&self.store.snapshot().await?, &user_id).await?;
        if self.passwords.is_outdated(&record.phc) {
            let phc = self.passwords.hash(password).await?;
            let mut batch = Batch::new();
            batch.require(&PASSWORDS, &user_id, Expect::Version(version)).put(
                &PASSWORDS,
                &user_id,
                &PasswordRecord { phc, ..record },
            );
            match self.store.commit(batch).await.map_err(AccountsError::from) {
                // The password was just changed: that hash is up to date.
                Err(error) if error.is_conflict() => {}
                outcome => {
                    outcome?;
                }
            }
        }
        Ok(user_id)
    }

    /// Signs in with a token from [`Self::issue_token`], which ends it.
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`] if the token isn't valid; when the store fails.
    pub async fn with_token(
        &self,
        login_token: &str,
        request: &SessionRequest,
    ) -> Result<NewSession, AccountsError> {
        let invalid = || AccountsError::forbidden("the login token is not valid, or not any more");
        let hash = token::hash(login_token);
        let snapshot = self.store.snapshot().await?;
        let record = snapshot.get(&LOGIN_TOKENS, hash).await?;
        drop(snapshot);
        let record = record
            .filter(|record| record.expires_ms > self.ambient.now_ms())
            .ok_or_else(invalid)?;
        retry_on_conflict!(self.try_open(&record.user_id, request, Some(hash)).await)
    }

    /// A token with which another client can sign in once, soon. Its session ends with the session at
    /// a provider that `origin` is, if any.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn issue_token(
        &self,
        user_id: &UserId,
        origin: Option<&UpstreamOrigin>,
    ) -> Result<(String, Duration), AccountsError> {
        let login_token = token::generate(&self.ambient, TokenKind::Login);
        let lifetime_ms = u64::try_from(self.login_token_lifetime.as_millis()).unwrap_or(u64::MAX);
        let expires_ms = self.ambient.now_ms().saturating_add(lifetime_ms);
        let record =
            LoginTokenRecord { user_id: user_id.to_owned(), expires_ms, origin: origin.cloned() };
        let mut batch = Batch::new();
        batch.put(&LOGIN_TOKENS, token::hash(&login_token), &record);
        self.store.commit(batch).await?;
        Ok((login_token, self.login_token_lifetime))
    }

    async fn try_open(
        &self,
        user_id: &UserId,
        request: &SessionRequest,
        login_token: Option<TokenHash>,
    ) -> Result<NewSession, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        let mut origin = None;
        if let Some(hash) = login_token {
            let (record, version) = snapshot
                .get_versioned(&LOGIN_TOKENS, hash)
                .await?
                .ok_or_else(|| AccountsError::forbidden("the login token has been used already"))?;
            batch.require(&LOGIN_TOKENS, hash, Expect::Version(version));
            batch.delete(&LOGIN_TOKENS, hash);
            origin = record.origin;
        }
        if let Some(origin) = &origin
            && !origin.stage_check(&snapshot, &mut batch).await?
        {
            return Err(AccountsError::forbidden(
                "the session at the sign-in service has ended: sign in again",
            ));
        }
        // Nobody gets into an account that is being deactivated.
        let user = snapshot.get_versioned(&USERS, user_id).await?;
        let (user, version) = user
            .filter(|(user, _)| user.deactivated_ms.is_none())
            .ok_or(AccountsError::UserDeactivated)?;
        if user.standing.locked {
            return Err(AccountsError::UserLocked);
        }
        batch.require(&USERS, user_id, Expect::Version(version));
        let source = SessionSource { client_id: None, origin: origin.as_ref() };
        let (session, revoked) = self
            .devices
            .stage_session_from(&snapshot, &mut batch, user_id, request, source)
            .await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        self.sessions.forget(revoked);
        Ok(session)
    }

    async fn resolve(
        &self,
        snapshot: &pli_store::Snapshot,
        identifier: &Identifier,
    ) -> Result<Option<OwnedUserId>, AccountsError> {
        match identifier {
            Identifier::User(name) => {
                let name = name.trim();
                // An e-mail address in the field for the user name is what most people type.
                if !name.starts_with('@') && name.contains('@') {
                    return resolve_email(snapshot, name).await;
                }
                Ok(self.user_id_of(name))
            }
            Identifier::Email(address) => resolve_email(snapshot, address).await,
        }
    }

    fn user_id_of(&self, name: &str) -> Option<OwnedUserId> {
        let server_name = self.accounts.server_name();
        let user_id = if name.starts_with('@') {
            UserId::parse(name.to_lowercase()).ok()?
        } else {
            UserId::parse(format!("@{}:{server_name}", name.to_lowercase())).ok()?
        };
        (user_id.server_name() == server_name).then_some(user_id)
    }
}

async fn resolve_email(
    snapshot: &pli_store::Snapshot,
    address: &str,
) -> Result<Option<OwnedUserId>, AccountsError> {
    let Ok(email) = Email::parse(address) else { return Ok(None) };
    Accounts::owner_of_email_at(snapshot, &email).await
}
