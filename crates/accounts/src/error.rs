use std::{borrow::Cow, time::Duration};

use pli_store::{CommitError, Conflict, StoreError};
use ruma::api::client::uiaa::UiaaInfo;

/// Why an account service could not do what it was asked to.
///
/// Each variant says what the caller can do about it; the HTTP layer maps it to one Matrix error.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others kept changing the same rows.
    #[error("the account is being changed by too many requests at once: try again")]
    Conflict(#[from] Conflict),
    /// A computation on another thread did not end (the process is shutting down).
    #[error("the server is shutting down: try again")]
    Interrupted,
    /// The access or refresh token is not known, or not any more (`M_UNKNOWN_TOKEN`).
    ///
    /// With `soft_logout` the session still exists: the client keeps its keys and signs in again, or
    /// refreshes its token.
    #[error("unknown access token: sign in again")]
    UnknownToken {
        /// Whether the client may keep its data.
        soft_logout: bool,
    },
    /// The caller may not do this (`M_FORBIDDEN`).
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    /// User-interactive authentication is needed, or one more stage of it (401 with the flows).
    #[error("more authentication is needed")]
    UserInteractive(Box<UiaaInfo>),
    /// The account has been deactivated (`M_USER_DEACTIVATED`).
    #[error("this account has been deactivated")]
    UserDeactivated,
    /// An administrator locked the account (`M_USER_LOCKED`): the client keeps its data and tries
    /// again later.
    #[error("this account is locked: ask your administrator")]
    UserLocked,
    /// An administrator suspended the account (`M_USER_SUSPENDED`).
    #[error("this account is suspended: you can read, but not do this; ask your administrator")]
    UserSuspended,
    /// Guests can't do this, or there are none here (`M_GUEST_ACCESS_FORBIDDEN`).
    #[error("{0}")]
    GuestAccessForbidden(Cow<'static, str>),
    /// The user name is taken (`M_USER_IN_USE`).
    #[error("this user name is taken: choose another")]
    UserInUse,
    /// The user name is reserved for an application service (`M_EXCLUSIVE`).
    #[error("this user name is reserved for an application service: choose another")]
    Exclusive,
    /// The user name can't be part of a user id (`M_INVALID_USERNAME`).
    #[error("{0}")]
    InvalidUsername(Cow<'static, str>),
    /// The password is too easy or too long (`M_WEAK_PASSWORD`).
    #[error("{0}")]
    WeakPassword(Cow<'static, str>),
    /// E-mail addresses like this one can't be used here (`M_THREEPID_DENIED`).
    #[error("{0}")]
    ThreepidDenied(Cow<'static, str>),
    /// The e-mail address belongs to an account already (`M_THREEPID_IN_USE`).
    #[error("this e-mail address belongs to an account already: sign in, or reset the password")]
    ThreepidInUse,
    /// Nobody has this e-mail address (`M_THREEPID_NOT_FOUND`).
    #[error("no account has this e-mail address")]
    ThreepidNotFound,
    /// The e-mail address has not been confirmed (`M_THREEPID_AUTH_FAILED`).
    #[error("the e-mail address is not confirmed: enter the code from the mail first")]
    ThreepidAuthFailed,
    /// The validation session does not exist, or not any more (`M_NO_VALID_SESSION`).
    #[error("this confirmation is not known or has expired: ask for a new mail")]
    NoValidSession,
    /// The code or link token is wrong (`M_TOKEN_INCORRECT`).
    #[error("the code is wrong: check the mail, or ask for a new one")]
    TokenIncorrect,
    /// Too many requests of this kind (`M_LIMIT_EXCEEDED`).
    #[error("too many requests: wait and try again")]
    LimitExceeded {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// There is no such thing (`M_NOT_FOUND`).
    #[error("{0}")]
    NotFound(Cow<'static, str>),
    /// A parameter has a value that can't be (`M_INVALID_PARAM`).
    #[error("{0}")]
    InvalidParam(Cow<'static, str>),
    /// A parameter is missing (`M_MISSING_PARAM`).
    #[error("{0}")]
    MissingParam(Cow<'static, str>),
    /// The JSON has the wrong shape (`M_BAD_JSON`).
    #[error("{0}")]
    BadJson(Cow<'static, str>),
    /// This type of account data is set by another endpoint (405 `M_BAD_JSON`).
    #[error("{0}")]
    ReservedType(Cow<'static, str>),
    /// The value is too large (`M_TOO_LARGE`).
    #[error("{0}")]
    TooLarge(Cow<'static, str>),
    /// The name of a profile field is too long (`M_KEY_TOO_LARGE`).
    #[error("the name of a profile field can have at most 255 bytes")]
    KeyTooLarge,
    /// The profile as a whole would be too large (`M_PROFILE_TOO_LARGE`).
    #[error("a profile can have at most 64 KiB: remove something first")]
    ProfileTooLarge,
    /// A signature is missing or wrong (`M_INVALID_SIGNATURE`).
    #[error("{0}")]
    InvalidSignature(Cow<'static, str>),
    /// Keys can only be added to the current backup version (403 `M_WRONG_ROOM_KEYS_VERSION`, with
    /// `current_version`).
    #[error("this is not the current key backup: look at version {current} first")]
    WrongRoomKeysVersion {
        /// The current version.
        current: String,
    },
    /// The text at a rendezvous has been replaced meanwhile (`M_CONCURRENT_WRITE`).
    #[error("this was changed meanwhile: read it again first")]
    ConcurrentWrite(Box<crate::oauth::RendezvousState>),
    /// An OAuth 2.0 request is wrong, in the words of its RFCs.
    #[error(transparent)]
    OAuth(#[from] crate::oauth::OAuthProblem),
    /// Signing in at somebody else's did not work.
    #[error(transparent)]
    Upstream(#[from] crate::upstream::UpstreamProblem),
    /// The feature is switched off by configuration (`M_UNRECOGNIZED`).
    #[error("this server does not offer this")]
    Unrecognized,
    /// A mail could not be built or sent.
    #[error("the mail could not be sent: {0}")]
    Mail(String),
    /// A configured value can't be used.
    #[error("configuration: {0}")]
    Configuration(String),
}

impl AccountsError {
    /// Whether a precondition of a commit failed, so that the whole is worth trying again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// `M_FORBIDDEN` with a text.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Forbidden(message.into())
    }

    /// `M_NOT_FOUND` with a text.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::NotFound(message.into())
    }

    /// `M_INVALID_PARAM` with a text.
    pub fn invalid_param(message: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidParam(message.into())
    }
}

impl From<CommitError> for AccountsError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(conflict) => Self::Conflict(conflict),
            CommitError::Store(error) => Self::Store(error),
        }
    }
}
