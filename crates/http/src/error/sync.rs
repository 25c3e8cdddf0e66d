//! Errors of sync and push rules.

use pli_push::PushError;
use pli_sync::SyncError;

use super::MatrixError;

impl From<SyncError> for MatrixError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::InvalidToken(error) => Self::invalid_param(format!("since: {error}")),
            SyncError::UnknownPos => Self::bad_request("M_UNKNOWN_POS", error.to_string()),
            SyncError::InvalidRequest(message) => Self::invalid_param(message),
            SyncError::Store(error) => error.into(),
            SyncError::Accounts(error) => error.into(),
            SyncError::Rooms(error) => error.into(),
            SyncError::Push(error) => error.into(),
            SyncError::Json(error) => Self::internal(error),
        }
    }
}

impl From<PushError> for MatrixError {
    fn from(error: PushError) -> Self {
        let message = error.to_string();
        match error {
            PushError::RuleNotFound => Self::not_found(message),
            PushError::InvalidRule(_) | PushError::InvalidPusher(_) | PushError::InvalidFrom => {
                Self::invalid_param(message)
            }
            PushError::TooManyPushers => Self::forbidden(message),
            PushError::Conflict => Self::unavailable(message),
            PushError::Store(error) => error.into(),
            PushError::Accounts(error) => error.into(),
            PushError::Rooms(error) => error.into(),
        }
    }
}
