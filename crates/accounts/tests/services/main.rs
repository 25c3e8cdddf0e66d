//! The account services through their public interfaces: what people lose if one of them is wrong.
#![expect(clippy::unwrap_used, reason = "a test that can't go on stops")]

mod account_data;
mod credentials;
mod devices;
mod directory;
mod login;
mod mail;
mod profiles;
mod registration;
mod sessions;
mod shared_secret;
mod support;
mod user_interactive;
