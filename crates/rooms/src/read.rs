//! Reading rooms. Everything here sees one snapshot.

mod acquaintance;
mod bundles;
mod client_events;
mod events;
mod hierarchy;
mod lists;
mod members;
mod receipts;
mod recent;
mod states;
mod sticky;

pub(crate) use self::recent::RecentWeight;
pub use self::{
    acquaintance::Acquaintances,
    client_events::Reader,
    events::TimelineRange,
    hierarchy::{HierarchyPage, HierarchyRequest, HierarchyRoom, RoomPreview, SpaceChild},
    members::Member,
    recent::{RecentRoom, RecentWanted},
};
