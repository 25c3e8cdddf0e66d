//! What users do with rooms.

mod aliases;
mod create;
mod departure;
mod directory;
mod forget;
mod history;
mod mark_read;
mod membership;
mod profile;
mod restricted;
mod send;
mod state;
mod tags;
mod transactions;

pub use self::{
    create::{CreateRoom, InitialState, Preset},
    directory::{PublicRoom, PublicRooms},
    history::{Context, HistoryPage, HistoryRequest},
    mark_read::{Mark, ReceiptThreadKey},
    membership::MembershipChange,
    send::{Redaction, SendMessage, SetState},
    state::RoomView,
};
