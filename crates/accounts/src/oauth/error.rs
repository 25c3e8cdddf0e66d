use std::borrow::Cow;

use crate::AccountsError;

/// What is wrong with an OAuth 2.0 request, in the words of the RFCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthErrorCode {
    /// A parameter is missing, given twice or malformed (RFC 6749, section 5.2).
    InvalidRequest,
    /// There is no such client (RFC 6749, section 5.2).
    InvalidClient,
    /// The code or token is wrong, used, expired or somebody else's (RFC 6749, section 5.2).
    InvalidGrant,
    /// The client did not register for this kind of grant (RFC 6749, section 5.2).
    UnauthorizedClient,
    /// There is no such kind of grant (RFC 6749, section 5.2).
    UnsupportedGrantType,
    /// There is no such kind of response (RFC 6749, section 4.1.2.1).
    UnsupportedResponseType,
    /// The scope is missing or can't be granted (RFC 6749, section 5.2).
    InvalidScope,
    /// The person said no (RFC 6749, section 4.1.2.1).
    AccessDenied,
    /// The person hasn't decided yet (RFC 8628, section 3.5).
    AuthorizationPending,
    /// The client asks too often (RFC 8628, section 3.5).
    SlowDown,
    /// The device code has expired (RFC 8628, section 3.5).
    ExpiredToken,
    /// A redirect URI can't be registered (RFC 7591, section 3.2.2).
    InvalidRedirectUri,
    /// What the client says of itself can't be registered (RFC 7591, section 3.2.2).
    InvalidClientMetadata,
    /// Too much is going on (RFC 6749, section 4.1.2.1).
    TemporarilyUnavailable,
}

impl OAuthErrorCode {
    /// The code as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

/// An error of the OAuth 2.0 protocol: its code, and a text for whoever develops the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{description}")]
pub struct OAuthProblem {
    /// The code.
    pub code: OAuthErrorCode,
    /// What to do about it.
    pub description: Cow<'static, str>,
}

impl AccountsError {
    /// An error of the OAuth 2.0 protocol.
    pub fn oauth(code: OAuthErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self::OAuth(OAuthProblem { code, description: description.into() })
    }
}
