//! What users do with rooms.

mod aliases;
mod calls;
mod create;
mod delayed;
mod departure;
mod directory;
mod forget;
mod guests;
mod history;
mod invite_filter;
mod mark_read;
mod membership;
mod notes;
mod profile;
mod relations;
mod restricted;
mod send;
mod state;
mod succession;
mod tags;
mod thread_subscriptions;
mod threads;
mod timestamp;
mod transactions;
mod upgrade;

pub(crate) use self::delayed::{
    DELAYED_EVENT, DELAYED_EVENT_DUE, DELAYED_EVENT_OF_USER, DELAYED_EVENT_TRANSACTION,
};
pub(crate) use self::guests::{GUEST_EVICTION, GuestEviction};
pub(crate) use self::thread_subscriptions::{THREAD_SUBSCRIPTION, THREAD_SUBSCRIPTION_CHANGE};
pub use self::{
    calls::{CallIdentity, Calls, LiveKit, OpenIdProof},
    create::{CreateRoom, InitialState, Preset},
    delayed::{
        DelayedEvent, DelayedEventAction, DelayedEventLimits, DelayedEventRow, DelayedEvents,
        DelayedOutcome, ScheduleEvent,
    },
    directory::{DirectoryFilter, PublicRoom, PublicRooms},
    history::{Context, HistoryPage, HistoryRequest},
    invite_filter::InviteVerdict,
    mark_read::{Mark, ReceiptThreadKey},
    membership::MembershipChange,
    notes::EventNotes,
    relations::{RelationsPage, RelationsRequest},
    send::{Redaction, SendMessage, SetState},
    state::RoomView,
    thread_subscriptions::{
        InvalidThreadSubscriptionsToken, ThreadSubscriptionChange, ThreadSubscriptionChanges,
        ThreadSubscriptionsToken,
    },
    threads::{ThreadsPage, ThreadsRequest},
    upgrade::UpgradeRoom,
};
