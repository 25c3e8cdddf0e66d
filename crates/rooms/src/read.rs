//! Reading rooms. Everything here sees one snapshot.

mod client_events;
mod events;
mod lists;
mod members;
mod receipts;
mod recent;
mod states;

pub(crate) use self::recent::RecentWeight;
pub use self::{
    client_events::Reader,
    events::TimelineRange,
    members::Member,
    recent::{RecentRoom, RecentWanted},
};
