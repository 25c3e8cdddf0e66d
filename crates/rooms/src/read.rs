//! Reading rooms. Everything here sees one snapshot.

mod client_events;
mod events;
mod lists;
mod members;
mod receipts;
mod states;

pub use self::{client_events::Reader, events::TimelineRange, members::Member};
