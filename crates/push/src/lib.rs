//! Push rules, and what they say about events: which notify, which highlight, how many are unread.
#![forbid(unsafe_code)]

mod error;
mod judge;
mod power;
mod rules;
mod unread;

pub use self::{
    error::PushError,
    rules::{PushRules, RuleScope},
    unread::{Counts, Unread, UnreadCounts, UnreadOf},
};
