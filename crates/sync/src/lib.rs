//! `/sync`: what is new for a device, and waiting for it.
//!
//! A sync token is a position of the store's log. [`Notifier`] knows which of a user's rooms changed
//! after it; the answer is built from one snapshot, room by room, from the timeline after the
//! token's position.
#![forbid(unsafe_code)]

mod answer;
mod device_lists;
mod error;
mod fields;
mod joined;
mod lazy;
mod left;
mod notifier;
mod presence;
mod request;
mod service;
pub mod sliding;
mod state;
mod sticky;
mod timeline;
mod token;

pub use self::{
    error::SyncError,
    notifier::{Changes, News, Notifier},
    presence::{Announced, KEYSPACES, Presence, PresenceNow, Syncing},
    request::SyncRequest,
    service::Sync,
    token::{InvalidSyncToken, SyncToken},
};
