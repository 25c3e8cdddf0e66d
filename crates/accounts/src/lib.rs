//! Who uses Pli: accounts, sessions, devices, profiles, account data, filters, registration, mail,
//! and the end-to-end keys of their devices.
//!
//! Each service is a small struct over the store; it is cheap to clone and knows only the services
//! that it needs. Nothing here knows HTTP.
#![forbid(unsafe_code)]

#[macro_use]
mod retry;

pub mod account_data;
pub mod accounts;
mod assembly;
pub mod backup;
pub mod config;
pub mod credentials;
pub mod dehydrated;
pub mod device_lists;
pub mod devices;
pub mod directory;
pub mod emails;
mod error;
pub mod filters;
pub mod housekeeping;
pub mod keys;
mod keyspaces;
pub mod login;
pub mod mail;
mod naming;
pub mod oauth;
pub mod openid;
pub mod passwords;
pub mod profiles;
pub mod registration;
pub mod reports;
mod requester;
pub mod sessions;
pub mod shared_secret;
pub mod standing;
pub mod to_device;
mod token;
pub mod uia;
pub mod upstream;
pub mod validation;

pub use self::{
    account_data::AccountData,
    accounts::Accounts,
    assembly::{Assembly, AssemblyConfig},
    config::{
        MailConfig, OAuthConfig, PasswordsConfig, RegistrationConfig, RegistrationMode,
        SessionsConfig,
    },
    credentials::Credentials,
    dehydrated::DehydratedDevices,
    devices::{DeviceRemoved, Devices},
    directory::UserDirectory,
    emails::Emails,
    error::AccountsError,
    filters::Filters,
    housekeeping::Housekeeping,
    keyspaces::KEYSPACES,
    login::Login,
    mail::{Language, MailSender, Mailer},
    openid::OpenIdTokens,
    passwords::Passwords,
    profiles::{Profile, Profiles},
    registration::Registration,
    reports::Reports,
    requester::{ActingService, Requester},
    sessions::Sessions,
    shared_secret::SharedSecretRegistration,
    standing::{Moderation, Standing},
    uia::UserInteractive,
    upstream::{Upstream, UpstreamConfig},
    validation::EmailValidation,
};
