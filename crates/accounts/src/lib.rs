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
pub mod config;
pub mod devices;
pub mod directory;
mod error;
mod keyspaces;
pub mod profiles;
mod requester;
pub mod sessions;
mod token;

pub use self::{
    account_data::AccountData,
    accounts::Accounts,
    config::{MailConfig, PasswordsConfig, RegistrationConfig, RegistrationMode, SessionsConfig},
    devices::{DeviceRemoved, Devices},
    directory::UserDirectory,
    error::AccountsError,
    keyspaces::KEYSPACES,
    profiles::{Profile, Profiles},
    requester::Requester,
    sessions::Sessions,
};
