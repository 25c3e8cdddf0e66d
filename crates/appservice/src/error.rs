use pli_accounts::AccountsError;
use pli_outbound::OutboundError;
use pli_rooms::RoomError;
use pli_store::{CommitError, StoreError};

/// Why something about application services could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AppServiceError {
    /// The name belongs to an application service, or not to the one that asks (`M_EXCLUSIVE`).
    #[error("{0}")]
    Exclusive(String),
    /// The service may not do this (`M_FORBIDDEN`).
    #[error("{0}")]
    Forbidden(String),
    /// The service names a device that the user doesn't have (`M_UNKNOWN_DEVICE`).
    #[error("the user has no such device: create it first")]
    UnknownDevice,
    /// A parameter is no user id (`M_INVALID_PARAM`).
    #[error("{0}")]
    InvalidParam(String),
    /// The service manages its users' devices itself: it doesn't sign in
    /// (`M_APPSERVICE_LOGIN_UNSUPPORTED`).
    #[error(
        "this application service manages devices itself: register with inhibit_login and create \
         devices with PUT /devices/{{deviceId}}"
    )]
    LoginUnsupported,
    /// No service knows the third-party network (`M_NOT_FOUND`).
    #[error("no application service knows this protocol")]
    UnknownProtocol,
    /// The service has no address (`M_URL_NOT_SET`).
    #[error("the application service has no url in its registration")]
    UrlNotSet,
    /// The service answered with an error (`M_BAD_STATUS`).
    #[error("the application service answered with status {status}")]
    BadStatus {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        body: String,
    },
    /// The service can't be reached (`M_CONNECTION_FAILED`).
    #[error("the application service can't be reached: {0}")]
    ConnectionFailed(String),
    /// The service did not answer in time (`M_CONNECTION_TIMEOUT`).
    #[error("the application service did not answer in time")]
    ConnectionTimeout,
    /// The service answered something else than it should.
    #[error("the application service's answer makes no sense: {0}")]
    BadAnswer(String),
    /// Another node took over, or rows changed meanwhile.
    #[error("another node serves this application service")]
    Conflict,
    /// An account service failed.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The rooms failed.
    #[error(transparent)]
    Rooms(#[from] RoomError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CommitError> for AppServiceError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(_) => Self::Conflict,
            CommitError::Store(error) => Self::Store(error),
        }
    }
}

impl From<OutboundError> for AppServiceError {
    fn from(error: OutboundError) -> Self {
        if error.is_timeout() {
            Self::ConnectionTimeout
        } else {
            Self::ConnectionFailed(error.to_string())
        }
    }
}
