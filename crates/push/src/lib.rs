//! Push rules, and what they say about events: which notify, which highlight, how many are unread;
//! and telling people's devices of those that notify.
#![forbid(unsafe_code)]

mod badge;
mod delivery;
mod error;
mod judge;
mod mentions;
mod notifications;
mod polls;
mod power;
mod pushers;
mod rules;
mod unread;

use pli_store::KeyspaceInfo;

pub use self::{
    delivery::{PushDelivery, PushDeliveryParts},
    error::PushError,
    notifications::{Notifications, NotificationsWanted, Notified, NotifiedPage},
    pushers::{Arrivals, EndWithDevice, KnownPusher, Pushers, PushersConfig},
    rules::{PushRules, RuleScope},
    unread::{Counts, Unread, UnreadCounts, UnreadOf},
};

/// The keyspaces of this crate.
pub const KEYSPACES: &[KeyspaceInfo] = &[
    pushers::PUSHER.info(),
    pushers::PUSHER_USERS.info(),
    delivery::pending::PENDING.info(),
    delivery::pending::READER.info(),
];
