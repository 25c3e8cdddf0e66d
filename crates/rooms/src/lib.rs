//! The room log: building, authorising and appending events; rooms' state, members, visibility,
//! receipts, aliases.
//!
//! - [`Rooms`] is the service. Its read side takes a [`Snapshot`](pli_store::Snapshot) first, so
//!   that one answer is made of one moment.
//! - [`StateTree`](state::StateTree) holds states.
#![forbid(unsafe_code)]

mod error;
mod event;
pub mod filter;
mod ignored;
pub mod keyspaces;
mod lazy_snapshot;
mod log;
mod news;
mod operations;
mod pagination;
mod policy_server;
mod power;
mod read;
mod relation;
mod rooms;
mod rows;
pub mod search;
pub mod state;
mod typing;
mod visibility;

pub use pli_accounts::filters::RelationFilter;

pub use self::{
    error::RoomError,
    event::RoomEvent,
    ignored::IgnoredUsers,
    keyspaces::KEYSPACES,
    news::{NewsKind, RoomNews},
    operations::{
        CallIdentity, Calls, Context, CreateRoom, DelayedEvent, DelayedEventAction,
        DelayedEventLimits, DelayedEventRow, DelayedEvents, DelayedOutcome, DirectoryFilter,
        EventNotes, HistoryPage, HistoryRequest, InitialState, InvalidThreadSubscriptionsToken,
        InviteVerdict, LiveKit, Mark, MembershipChange, OpenIdProof, Preset, PublicRoom,
        PublicRooms, ReceiptThreadKey, Redaction, RelationsPage, RelationsRequest, RoomView,
        ScheduleEvent, SendMessage, SetState, ThreadSubscriptionChange, ThreadSubscriptionChanges,
        ThreadSubscriptionsToken, ThreadsPage, ThreadsRequest, UpgradeRoom,
    },
    pagination::{InvalidPaginationToken, PaginationToken},
    policy_server::PolicyServer,
    power::PowerLevels,
    read::{
        Acquaintances, HierarchyPage, HierarchyRequest, HierarchyRoom, Member, Reader, RecentRoom,
        RecentWanted, RoomPreview, SpaceChild, TimelineRange,
    },
    rooms::{Rooms, RoomsConfig},
    rows::{
        AliasRow, EventPlace, Extremity, MemberRow, MembershipKind, ProfileJob, ReceiptKind,
        ReceiptRow, RedactionRow, Related, RelationRow, ReplacementRow, RoomHead, RoomPolicy,
        RoomSummary, SenderTransaction, StickyRow, StoredEvent, StreamedReceipt, THREAD_UNTHREADED,
        ThreadOrderRow, ThreadRow, TransactionRow, UserRoom, UserRoomRow, WrittenAt,
    },
    state::{StateDifference, StateEntry, StateRoot, StateTree},
    typing::{MAX_TYPING, Typing, TypingNow},
};
