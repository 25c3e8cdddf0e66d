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
pub mod keyspaces;
mod lazy_snapshot;
mod log;
mod news;
mod operations;
mod pagination;
mod power;
mod read;
mod rooms;
mod rows;
pub mod state;
mod typing;
mod visibility;

pub use self::{
    error::RoomError,
    event::RoomEvent,
    keyspaces::KEYSPACES,
    news::{NewsKind, RoomNews},
    operations::{
        Context, CreateRoom, HistoryPage, HistoryRequest, InitialState, Mark, MembershipChange,
        Preset, PublicRoom, PublicRooms, ReceiptThreadKey, Redaction, RoomView, SendMessage,
        SetState,
    },
    pagination::{InvalidPaginationToken, PaginationToken},
    power::PowerLevels,
    read::{Member, Reader, RecentRoom, RecentWanted, TimelineRange},
    rooms::{Rooms, RoomsConfig},
    rows::{
        AliasRow, EventPlace, Extremity, MemberRow, MembershipKind, ProfileJob, ReceiptKind,
        ReceiptRow, RedactionRow, RoomHead, RoomSummary, SenderTransaction, StoredEvent,
        StreamedReceipt, THREAD_UNTHREADED, TransactionRow, UserRoom, UserRoomRow, WrittenAt,
    },
    state::{StateDifference, StateEntry, StateRoot, StateTree},
    typing::{MAX_TYPING, Typing, TypingNow},
};
