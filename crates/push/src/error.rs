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
    /// The rules changed meanwhile, again and again.
    #[error("the push rules are being changed from elsewhere: try again")]
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
