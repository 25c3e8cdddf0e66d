use std::sync::Arc;

use pli_store::{Store, ambient::Ambient};
use ruma::OwnedServerName;
use url::Url;

use crate::{
    AccountData, Accounts, AccountsError, Credentials, DeviceRemoved, Devices, EmailValidation,
    Emails, Filters, Housekeeping, Login, Mailer, OAuthConfig, Passwords, PasswordsConfig,
    Profiles, Registration, RegistrationConfig, Sessions, SessionsConfig, SharedSecretRegistration,
    UserDirectory, UserInteractive,
    credentials::CredentialsParts,
    keys::ForgetDevices,
    oauth::{BrowserSessions, Clients, Grants, GrantsParts, Rendezvous},
    registration::RegistrationParts,
    upstream::{Upstream, UpstreamConfig, UpstreamParts, UpstreamRules},
};

/// What the account services have to be told.
#[derive(Clone, Debug)]
pub struct AssemblyConfig {
    /// The part of user ids after the colon.
    pub server_name: OwnedServerName,
    /// Where people and apps reach this server.
    pub public_url: Url,
    /// Who may sign up.
    pub registration: RegistrationConfig,
    /// How passwords are hashed.
    pub passwords: PasswordsConfig,
    /// How long tokens live.
    pub sessions: SessionsConfig,
    /// How apps sign people in through the browser.
    pub oauth: OAuthConfig,
    /// Where else people can sign in.
    pub upstream: Vec<UpstreamConfig>,
}

/// The account services, put together.
///
/// For whoever starts a server: take the services out and hand each to those who need it. Nothing
/// that serves requests holds the whole.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is the service of that name")]
pub struct Assembly {
    pub account_data: AccountData,
    pub accounts: Accounts,
    pub browser_sessions: BrowserSessions,
    pub clients: Clients,
    pub credentials: Credentials,
    pub devices: Devices,
    pub directory: UserDirectory,
    pub emails: Emails,
    pub filters: Filters,
    pub grants: Grants,
    pub housekeeping: Housekeeping,
    pub login: Login,
    pub mailer: Mailer,
    pub passwords: Passwords,
    pub profiles: Profiles,
    pub registration: Registration,
    pub rendezvous: Rendezvous,
    pub sessions: Sessions,
    pub shared_secret: SharedSecretRegistration,
    pub upstream: Upstream,
    pub user_interactive: UserInteractive,
    pub validation: EmailValidation,
}

impl Assembly {
    /// Puts the services together. The hooks are asked whenever a device is removed, after those of
    /// this crate.
    ///
    /// # Errors
    /// [`AccountsError::Configuration`] if a configured value can't be used.
    pub fn build(
        store: &Store,
        ambient: &Ambient,
        config: AssemblyConfig,
        removal_hooks: Vec<Arc<dyn DeviceRemoved>>,
    ) -> Result<Self, AccountsError> {
        let AssemblyConfig {
            server_name,
            public_url,
            registration,
            passwords,
            sessions,
            oauth,
            upstream,
        } = config;
        let upstream_rules = UpstreamRules::new(&upstream);
        let registration_config = Arc::new(registration);
        let sessions_config = sessions;
        let (store_of, ambient_of) = (|| store.clone(), || ambient.clone());

        let accounts = Accounts::new(store_of(), ambient_of(), server_name);
        let sessions = Sessions::new(store_of(), ambient_of(), &sessions_config);
        let own_hook: Arc<dyn DeviceRemoved> = Arc::new(ForgetDevices);
        let removal_hooks = std::iter::once(own_hook).chain(removal_hooks).collect();
        let devices = Devices::new(store_of(), ambient_of(), sessions.clone(), removal_hooks);
        let directory = UserDirectory::new(store_of());
        let profiles = Profiles::new(store_of(), directory.clone());
        let passwords = Passwords::new(ambient_of(), &passwords)?;
        let mailer = Mailer::new(ambient_of());
        let validation = EmailValidation::new(
            store_of(),
            ambient_of(),
            mailer.clone(),
            &public_url,
            registration_config.code_lifetime,
        )?;
        let login = Login::new(
            store_of(),
            ambient_of(),
            accounts.clone(),
            passwords.clone(),
            devices.clone(),
            sessions.clone(),
            &sessions_config,
        )
        .with_upstream(upstream_rules.clone());
        let user_interactive = UserInteractive::new(
            store_of(),
            ambient_of(),
            login.clone(),
            validation.clone(),
            &registration_config,
        )
        .with_upstream(upstream_rules.clone());
        let registration = Registration::new(RegistrationParts {
            store: store_of(),
            ambient: ambient_of(),
            config: Arc::clone(&registration_config),
            accounts: accounts.clone(),
            passwords: passwords.clone(),
            devices: devices.clone(),
            sessions: sessions.clone(),
            directory: directory.clone(),
            validation: validation.clone(),
            user_interactive: user_interactive.clone(),
        });
        let shared_secret =
            SharedSecretRegistration::new(ambient_of(), registration.clone(), &registration_config);
        let credentials = Credentials::new(CredentialsParts {
            store: store_of(),
            ambient: ambient_of(),
            accounts: accounts.clone(),
            passwords: passwords.clone(),
            devices: devices.clone(),
            sessions: sessions.clone(),
            validation: validation.clone(),
            user_interactive: user_interactive.clone(),
            upstream: upstream_rules.clone(),
        });
        let emails = Emails::new(
            store_of(),
            Arc::clone(&registration_config),
            accounts.clone(),
            directory.clone(),
            validation.clone(),
            user_interactive.clone(),
        )
        .with_upstream(upstream_rules);
        let upstream = Upstream::new(UpstreamParts {
            store: store_of(),
            ambient: ambient_of(),
            providers: upstream,
            public_url: &public_url,
            registration_config,
            accounts: accounts.clone(),
            registration: registration.clone(),
            emails: emails.clone(),
            directory: directory.clone(),
            sessions: sessions.clone(),
        })?;
        let grants = Grants::new(GrantsParts {
            store: store_of(),
            ambient: ambient_of(),
            devices: devices.clone(),
            sessions: sessions.clone(),
        });
        Ok(Self {
            account_data: AccountData::new(store_of()),
            accounts,
            browser_sessions: BrowserSessions::new(store_of(), ambient_of(), &oauth),
            clients: Clients::new(store_of(), ambient_of()),
            credentials,
            devices,
            directory,
            emails,
            filters: Filters::new(store_of()),
            grants,
            housekeeping: Housekeeping::new(store_of(), ambient_of()),
            login,
            mailer,
            passwords,
            profiles,
            registration,
            rendezvous: Rendezvous::new(store_of(), ambient_of()),
            sessions,
            shared_secret,
            upstream,
            user_interactive,
            validation,
        })
    }
}
