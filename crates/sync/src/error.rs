use pli_accounts::AccountsError;
use pli_push::PushError;
use pli_rooms::RoomError;
use pli_store::StoreError;

use crate::InvalidSyncToken;

/// Why a sync could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// `since` is no token of this server.
    #[error(transparent)]
    InvalidToken(#[from] InvalidSyncToken),
    /// `pos` belongs to no connection that is remembered.
    #[error("the connection is not known any more: begin a new one without `pos`")]
    UnknownPos,
    /// A sliding sync request asks for what it can't have.
    #[error("{0}")]
    InvalidRequest(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An account service failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// A room could not be read.
    #[error(transparent)]
    Rooms(#[from] RoomError),
    /// Unread events could not be counted.
    #[error(transparent)]
    Push(#[from] PushError),
    /// Something stored could not be written as JSON.
    #[error("the answer could not be written: {0}")]
    Json(#[from] serde_json::Error),
}
