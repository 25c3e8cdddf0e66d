use pli_accounts::AccountsError;
use pli_rooms::RoomError;
use pli_store::{CommitError, StoreError};

/// Why push rules or unread counts could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// There is no such rule.
    #[error("there is no push rule with this kind and id")]
    RuleNotFound,
    /// The rule can't be changed as asked: it is the server's, or its position refers to a rule that
    /// isn't there.
    #[error("{0}")]
    InvalidRule(String),
    /// A value of a pusher can't be used; the text names it.
    #[error("{0}")]
    InvalidPusher(String),
    /// The user has as many pushers as there may be.
    #[error("this account has too many pushers: remove some of them")]
    TooManyPushers,
    /// A token of a page of notifications is not one of this server's.
    #[error("from: not a token of this server")]
    InvalidFrom,
    /// What was read changed meanwhile, again and again.
    #[error("this is being changed from elsewhere: try again")]
    Conflict,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Account data could not be read or written.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The room could not be read.
    #[error(transparent)]
    Rooms(#[from] RoomError),
}

impl From<CommitError> for PushError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(_) => Self::Conflict,
            CommitError::Store(error) => Self::Store(error),
        }
    }
}
