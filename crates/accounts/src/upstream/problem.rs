/// Why somebody could not sign in at a provider. Each is told to the person on a page; what only the
/// operator can do something about is in the log, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamProblem {
    /// The provider does not answer, or says that it can't now.
    #[error("the sign-in service cannot be reached: {0}")]
    Unreachable(String),
    /// The provider's answer is not what OpenID Connect makes of it: a wrong signature or nonce, a
    /// refused client, an address that isn't there.
    #[error("the sign-in service gave a wrong answer: {0}")]
    Misbehaved(String),
    /// The person or the provider said no.
    #[error("the sign-in service refused: {0}")]
    Refused(String),
    /// The sign-in took too long, was used already, or was begun in another browser.
    #[error("this sign-in is not known or has expired: start again")]
    Expired,
    /// The clocks of the provider and of this server differ.
    #[error("the clocks of this server and of the sign-in service differ")]
    ClockSkew,
    /// The provider tells no e-mail address, and a new account needs one.
    #[error("the sign-in service did not tell an e-mail address")]
    EmailMissing,
    /// The provider has not checked the address.
    #[error("the sign-in service has not checked the e-mail address {0}")]
    EmailUnverified(String),
    /// Addresses like this one can't be used here.
    #[error("the address {0} can't be used here")]
    EmailDenied(String),
    /// Another account has the address, and the operator doesn't let providers take it over.
    #[error("another account has the e-mail address {0}")]
    EmailTaken(String),
    /// Nobody gets a new account by signing in at this provider.
    #[error("there is no account for this person")]
    NoAccount,
    /// A logout token is not acceptable.
    #[error("the logout token is not acceptable: {0}")]
    LogoutToken(String),
}

impl UpstreamProblem {
    /// A wrong answer, with what is wrong about it.
    pub(super) fn misbehaved(error: &dyn std::fmt::Display) -> Self {
        Self::Misbehaved(error.to_string())
    }
}
