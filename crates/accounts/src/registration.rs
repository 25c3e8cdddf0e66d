//! Creating accounts (client-server API, section "Account registration and management").

mod guests;

use std::sync::{Arc, OnceLock};

use pli_store::{Batch, Store, ambient::Ambient};
use ruma::{OwnedSessionId, OwnedUserId, UserId, api::client::uiaa::AuthData};

use crate::{
    Accounts, AccountsError, Devices, Passwords, RegistrationConfig, RegistrationMode, Sessions,
    UserDirectory,
    accounts::{EMAILS, Email, USERS},
    devices::{NewSession, SessionRequest},
    naming,
    profiles::{DISPLAY_NAME, Profile, Profiles},
    uia::{Fingerprint, Operation, Permit, UserInteractive},
    validation::{Delivery, EmailValidation, Purpose, TokenRequest},
};

/// How many people can have the same name in their address.
const MAX_NAME_ATTEMPTS: usize = 10_000;

/// What somebody who signs up asks for.
#[derive(Clone, Debug, Default)]
pub struct NewAccount {
    /// The user name. Ignored where it is made from the e-mail address.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The session to open; `None`: none (`inhibit_login`).
    pub session: Option<SessionRequest>,
}

/// An account just created.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Its user id.
    pub user_id: OwnedUserId,
    /// The session opened, if one was asked for.
    pub session: Option<NewSession>,
}

/// Says whether a user id is for nobody but an application service.
pub type IsReserved = Box<dyn Fn(&UserId) -> bool + Send + Sync>;

/// Signs people up.
#[derive(Clone)]
pub struct Registration {
    store: Store,
    config: Arc<RegistrationConfig>,
    accounts: Accounts,
    passwords: Passwords,
    devices: Devices,
    sessions: Sessions,
    directory: UserDirectory,
    validation: EmailValidation,
    user_interactive: UserInteractive,
    ambient: Ambient,
    is_reserved: Arc<OnceLock<IsReserved>>,
}

/// The services that [`Registration`] works with.
pub struct RegistrationParts {
    /// The store.
    pub store: Store,
    /// The clock and randomness.
    pub ambient: Ambient,
    /// Who may sign up.
    pub config: Arc<RegistrationConfig>,
    /// Where accounts are created.
    pub accounts: Accounts,
    /// What hashes their passwords.
    pub passwords: Passwords,
    /// Where their first session is opened.
    pub devices: Devices,
    /// Where its tokens are.
    pub sessions: Sessions,
    /// Where others find them.
    pub directory: UserDirectory,
    /// What confirms their addresses.
    pub validation: EmailValidation,
    /// What asks for proof.
    pub user_interactive: UserInteractive,
}

impl Registration {
    /// Signs people up with these services.
    #[must_use]
    pub fn new(parts: RegistrationParts) -> Self {
        let RegistrationParts {
            store,
            ambient,
            config,
            accounts,
            passwords,
            devices,
            sessions,
            directory,
            validation,
            user_interactive,
        } = parts;
        Self {
            store,
            config,
            accounts,
            passwords,
            devices,
            sessions,
            directory,
            validation,
            user_interactive,
            ambient,
            is_reserved: Arc::default(),
        }
    }

    /// Keeps user ids for application services: nobody else gets one of them from now on. Only the
    /// first call counts.
    pub fn reserve(&self, is_reserved: IsReserved) {
        if self.is_reserved.set(is_reserved).is_err() {
            tracing::warn!(
                "which user ids are reserved was said before: what was said now is ignored"
            );
        }
    }

    fn is_reserved(&self, user_id: &UserId) -> bool {
        self.is_reserved.get().is_some_and(|is_reserved| is_reserved(user_id))
    }

    /// Sends a code to an address that wants an account.
    ///
    /// Whether the address has one already shows only in the mail: a stranger learns nothing.
    ///
    /// # Errors
    /// [`AccountsError::ThreepidDenied`] if addresses like this one can't sign up,
    /// [`AccountsError::LimitExceeded`]; when the store fails.
    pub async fn request_email_token(
        &self,
        request: TokenRequest<'_>,
    ) -> Result<OwnedSessionId, AccountsError> {
        if self.config.mode != RegistrationMode::Email {
            return Err(AccountsError::ThreepidDenied(
                "this server does not sign people up by e-mail".into(),
            ));
        }
        check_domain(&self.config, request.email)?;
        let is_taken = self.accounts.owner_of_email(request.email).await?.is_some();
        let delivery = if is_taken { Delivery::AlreadyRegistered } else { Delivery::Code };
        self.validation.request_token(Purpose::Registration, request, delivery).await
    }

    /// Whether a user name is free.
    ///
    /// # Errors
    /// [`AccountsError::InvalidUsername`], [`AccountsError::Exclusive`] or
    /// [`AccountsError::UserInUse`]; when the store fails.
    pub async fn check_available(&self, username: &str) -> Result<(), AccountsError> {
        let user_id = naming::user_id_for_name(username, self.accounts.server_name())?;
        if self.is_reserved(&user_id) {
            return Err(AccountsError::Exclusive);
        }
        if self.accounts.exists(&user_id).await? {
            return Err(AccountsError::UserInUse);
        }
        Ok(())
    }

    /// Creates an account, once the client has proved that it may have one.
    ///
    /// # Errors
    /// [`AccountsError::UserInteractive`] with what is to be proved; [`AccountsError::UserInUse`],
    /// [`AccountsError::InvalidUsername`], [`AccountsError::WeakPassword`],
    /// [`AccountsError::ThreepidInUse`]; when the store fails.
    pub async fn register(
        &self,
        account: &NewAccount,
        auth: Option<&AuthData>,
    ) -> Result<Registered, AccountsError> {
        // What is wrong with the request is said before anybody types a code.
        if let Some(username) = self.chosen_name(account) {
            self.check_available(username).await?;
        }
        if let Some(password) = &account.password {
            self.passwords.check_strength(password)?;
        }
        let fingerprint = Fingerprint::of(&(
            self.chosen_name(account),
            account.session.as_ref().map(|session| &session.device_id),
        ));
        let operation = Operation::registration(&self.config, fingerprint)?;
        let permit = self.user_interactive.authorise(&operation, auth).await?;
        let password = account
            .password
            .as_deref()
            .ok_or_else(|| AccountsError::MissingParam("choose a password".into()))?;
        let phc = self.passwords.hash(password).await?;
        retry_on_conflict!(self.try_create(account, Some(&phc), false, None, &permit).await)
    }

    /// Creates an account on the word of the operator, who holds the shared secret.
    ///
    /// # Errors
    /// [`AccountsError::UserInUse`], [`AccountsError::InvalidUsername`]; when the store fails.
    pub async fn register_by_operator(
        &self,
        account: &NewAccount,
        admin: bool,
        display_name: Option<&str>,
    ) -> Result<Registered, AccountsError> {
        let password = account
            .password
            .as_deref()
            .ok_or_else(|| AccountsError::MissingParam("choose a password".into()))?;
        let phc = self.passwords.hash(password).await?;
        let permit = Permit::unconditional();
        retry_on_conflict!(self.try_create(account, Some(&phc), admin, display_name, &permit).await)
    }

    /// Creates an account without a password for an application service, which acts for it. Whether
    /// the name is within the service's namespace is asked before.
    ///
    /// # Errors
    /// [`AccountsError::UserInUse`], [`AccountsError::InvalidUsername`]; when the store fails.
    pub async fn register_for_service(
        &self,
        username: &str,
        session: Option<SessionRequest>,
    ) -> Result<Registered, AccountsError> {
        let account = NewAccount { username: Some(username.to_owned()), password: None, session };
        let permit = Permit::unconditional();
        retry_on_conflict!(self.try_create(&account, None, false, None, &permit).await)
    }

    /// The user id that a name chosen by an application service makes.
    ///
    /// # Errors
    /// [`AccountsError::InvalidUsername`].
    pub fn user_id_for_service(&self, username: &str) -> Result<OwnedUserId, AccountsError> {
        naming::user_id_for_service(username, self.accounts.server_name())
    }

    /// The name that the client chose, where clients choose names.
    fn chosen_name<'a>(&self, account: &'a NewAccount) -> Option<&'a str> {
        match self.config.mode {
            RegistrationMode::Email => None,
            _ => account.username.as_deref(),
        }
    }

    async fn try_create(
        &self,
        account: &NewAccount,
        phc: Option<&str>,
        admin: bool,
        display_name: Option<&str>,
        permit: &Permit,
    ) -> Result<Registered, AccountsError> {
        let email = permit.email().map(|validated| &validated.email);
        let snapshot = self.store.snapshot().await?;
        let user_id = match (email, &account.username) {
            (Some(email), _) => {
                check_domain(&self.config, email)?;
                if snapshot.get(&EMAILS, email.as_str()).await?.is_some() {
                    return Err(AccountsError::ThreepidInUse);
                }
                self.free_user_id(&snapshot, email).await?
            }
            // Only an application service has accounts without a password.
            (None, Some(username)) if phc.is_none() => self.user_id_for_service(username)?,
            (None, Some(username)) => {
                naming::user_id_for_name(username, self.accounts.server_name())?
            }
            (None, None) => {
                let name = self.ambient.random_string(12);
                naming::user_id_for_name(&name, self.accounts.server_name())?
            }
        };
        let is_for_service = phc.is_none();
        if !is_for_service && self.is_reserved(&user_id) {
            return Err(AccountsError::Exclusive);
        }
        if snapshot.get(&USERS, &user_id).await?.is_some() {
            return Err(AccountsError::UserInUse);
        }
        let display_name = match (display_name, email) {
            (Some(display_name), _) => display_name.to_owned(),
            (None, Some(email)) => naming::display_name_from_email(email, &self.config),
            (None, None) => user_id.localpart().to_owned(),
        };

        let mut batch = Batch::new();
        permit.stage(&mut batch);
        self.accounts.stage_account(&mut batch, &user_id, admin);
        if let Some(phc) = phc {
            self.accounts.stage_password(&mut batch, &user_id, phc.to_owned());
        }
        if let Some(validated) = permit.email() {
            let validated_ms = validated.validated_ms;
            self.accounts.stage_email(&mut batch, &user_id, &validated.email, validated_ms);
        }
        let mut profile = Profile::default();
        profile.fields.insert(DISPLAY_NAME.to_owned(), display_name.clone().into());
        Profiles::stage_new(&mut batch, &user_id, &profile);
        let emails = email.iter().map(|email| email.as_str());
        self.directory
            .stage_entry(&snapshot, &mut batch, &user_id, Some(&display_name), emails)
            .await?;
        let session = match &account.session {
            Some(request) => {
                Some(self.devices.stage_session(&snapshot, &mut batch, &user_id, request).await?)
            }
            None => None,
        };
        drop(snapshot);
        self.store.commit(batch).await?;
        let session = session.map(|(session, revoked)| {
            self.sessions.forget(revoked);
            session
        });
        Ok(Registered { user_id, session })
    }

    /// The first user id made from an address that nobody has or had.
    pub(crate) async fn free_user_id(
        &self,
        snapshot: &pli_store::Snapshot,
        email: &Email,
    ) -> Result<OwnedUserId, AccountsError> {
        for attempt in 1..MAX_NAME_ATTEMPTS {
            let name = naming::name_from_email(email, attempt);
            let user_id = naming::user_id_for_name(&name, self.accounts.server_name())?;
            if snapshot.get(&USERS, &user_id).await?.is_none() && !self.is_reserved(&user_id) {
                return Ok(user_id);
            }
        }
        Err(AccountsError::UserInUse)
    }
}

/// Whether addresses of this domain can be used here.
pub(crate) fn check_domain(
    config: &RegistrationConfig,
    email: &Email,
) -> Result<(), AccountsError> {
    let domain = email.domain();
    if config.domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain)) {
        return Ok(());
    }
    if config.domains.is_empty() {
        return Err(AccountsError::ThreepidDenied(
            "nobody can sign up yet: the operator has to name the domains of work addresses \
             ([registration] domains)"
                .into(),
        ));
    }
    let allowed: Vec<String> = config.domains.iter().map(|domain| format!("@{domain}")).collect();
    Err(AccountsError::ThreepidDenied(
        format!(
            "addresses of {domain} can't be used here: use your work address ({})",
            allowed.join(", ")
        )
        .into(),
    ))
}
