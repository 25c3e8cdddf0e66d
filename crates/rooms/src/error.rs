use std::sync::Arc;

use pli_accounts::AccountsError;
use pli_events::EventError;
use pli_store::{CommitError, StoreError};
use ruma::{OwnedEventId, OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomVersionId};

use crate::state::StateRoot;

/// Why an operation on a room was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RoomError {
    /// The user may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// Somebody's membership doesn't allow the change.
    #[error("{0}")]
    BadState(String),
    /// The room's policy server doesn't let the event through.
    #[error("{reason}")]
    PolicyRefused {
        /// The status of its answer.
        status: u16,
        /// The code of its answer.
        errcode: String,
        /// What it says.
        reason: String,
    },
    /// The room's policy server could not be asked.
    #[error("this room's policy server does not answer: try again later")]
    PolicyServerFailed,
    /// The room lets no guests in.
    #[error("this room does not let guests in: create an account")]
    GuestsForbidden,
    /// This server doesn't know the room, or the user may not know of it.
    #[error("no room {0} is known here: check the address")]
    UnknownRoom(OwnedRoomId),
    /// No such alias.
    #[error("no room has the alias {0}: check its spelling")]
    UnknownAlias(OwnedRoomAliasId),
    /// The alias is in use already.
    #[error("the alias {0} is in use: choose another one")]
    AliasInUse(OwnedRoomAliasId),
    /// The alias does not belong to this server, or points somewhere else.
    #[error("the alias {0} does not point to this room")]
    BadAlias(OwnedRoomAliasId),
    /// No such event, or the user may not see it.
    #[error("no event {0} is known here")]
    UnknownEvent(OwnedEventId),
    /// No event of the time asked for, or none that the user may see.
    #[error("no event of that time is known here: ask for another time, or the other direction")]
    NoEventThen,
    /// What an event says of its relation to another one contradicts that one.
    #[error("{0}")]
    BadRelation(String),
    /// The user annotated the event in the same way before.
    #[error("you reacted like this already")]
    DuplicateAnnotation,
    /// Only a room that was left can be forgotten.
    #[error("you are still in this room: leave it first")]
    StillInRoom,
    /// No such state.
    #[error("the room has no such state event")]
    UnknownState,
    /// The room version can't be created here.
    #[error("room version {0} is not supported")]
    UnsupportedRoomVersion(RoomVersionId),
    /// The state asked for at the creation of a room does not hold together.
    #[error("the room can't be created with this state: {0}")]
    InvalidRoomState(String),
    /// A parameter of the request is invalid.
    #[error("{0}")]
    InvalidParam(String),
    /// The content is not what its type asks for.
    #[error("{0}")]
    BadContent(String),
    /// The event is larger than events may be.
    #[error("the event is too large: {0}")]
    TooLarge(String),
    /// The event can't be built or read.
    #[error(transparent)]
    Event(Arc<EventError>),
    /// Too many other writers were faster: nothing was written.
    #[error("the room is too busy: try again")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The accounts' part of the operation failed.
    #[error(transparent)]
    Accounts(Arc<AccountsError>),
    /// The process is going down.
    #[error("the server is shutting down: try again")]
    Interrupted,
    /// The branches of a room can't be brought together.
    #[error("the room's state can't be resolved: {0}")]
    Resolution(String),
    /// There is no server for calls.
    #[error("this server has no calls: ask its operator")]
    NoCalls,
    /// A token for a call can't be made.
    #[error("a token for the call could not be made: {0}")]
    CallToken(String),
    /// Somebody doesn't want invitations from the sender.
    #[error("{0} does not want to be invited by you")]
    InviteBlocked(OwnedUserId),
    /// An event is no reply in the thread.
    #[error("the event is not a reply in this thread")]
    NotInThread,
    /// The user ceased to follow the thread after the event.
    #[error("you unsubscribed from this thread after that event")]
    UnsubscribedSince,
    /// An event may not wait for so long.
    #[error("an event can wait for {} seconds at most: choose a shorter delay", .0.as_secs())]
    DelayTooLong(std::time::Duration),
    /// Too many events of the user wait.
    #[error("{0} of your events wait already: cancel one first")]
    TooManyDelayedEvents(usize),
    /// No such delayed event, or it was over long ago.
    #[error("there is no such delayed event")]
    UnknownDelayedEvent,
    /// The delayed event doesn't wait any more.
    #[error("the delayed event was sent or cancelled already")]
    DelayedEventIsOver,
    /// Somebody else set the state that the delayed event was to set.
    #[error("somebody else set this state meanwhile")]
    DelayedEventSuperseded,
    /// Not an error of the caller's: the operation has to wait for the batch being built.
    #[doc(hidden)]
    #[error("to be done after the current batch")]
    AfterCommit,
    /// A node of a state is missing.
    #[error("the store is damaged: state node {0} is missing; restore a backup")]
    MissingStateNode(StateRoot),
    /// An event that others refer to is missing.
    #[error("the store is damaged: event {0} is missing; restore a backup")]
    MissingEvent(OwnedEventId),
}

impl RoomError {
    /// An error in what a client sent as an event's content.
    pub(crate) fn from_content(error: EventError) -> Self {
        Self::BadContent(error.to_string())
    }

    /// Whether the same may go well later: the store or the process failed, and not what is written
    /// in the room.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Store(error) => {
                !matches!(**error, StoreError::Codec { .. } | StoreError::Corrupt(_))
            }
            Self::Accounts(_) | Self::Busy | Self::Interrupted => true,
            _ => false,
        }
    }
}

impl From<EventError> for RoomError {
    fn from(error: EventError) -> Self {
        if error.is_too_large() {
            return Self::TooLarge(error.to_string());
        }
        Self::Event(Arc::new(error))
    }
}

impl From<StoreError> for RoomError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<AccountsError> for RoomError {
    fn from(error: AccountsError) -> Self {
        Self::Accounts(Arc::new(error))
    }
}

impl From<CommitError> for RoomError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(_) => Self::Busy,
            CommitError::Store(error) => error.into(),
        }
    }
}
