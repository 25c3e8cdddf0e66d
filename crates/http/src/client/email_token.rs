//! What the three endpoints that mail a code have in common (`…/email/requestToken`).

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use pli_accounts::{EmailValidation, Language, accounts::Email, validation::TokenRequest};
use ruma::{OwnedClientSecret, UInt};

use crate::{
    MatrixError,
    extract::origin::{ClientAddress, PreferredLanguage},
    layer::rate_limit::RateLimiter,
};

/// What all three requests say.
pub(super) struct Wanted {
    pub(super) client_secret: OwnedClientSecret,
    pub(super) email: String,
    pub(super) send_attempt: UInt,
    pub(super) next_link: Option<String>,
}

/// Who wants a code, before it is known whether they may.
pub(super) struct Applicant {
    address: ClientAddress,
    language: Language,
    limiter: RateLimiter,
    submit_url: String,
}

impl<S> FromRequestParts<S> for Applicant
where
    S: Send + Sync,
    EmailValidation: FromRef<S>,
    RateLimiter: FromRef<S>,
{
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, MatrixError> {
        let Ok(address) = ClientAddress::from_request_parts(parts, state).await;
        let Ok(PreferredLanguage(language)) =
            PreferredLanguage::from_request_parts(parts, state).await;
        let limiter = RateLimiter::from_ref(state);
        let submit_url = EmailValidation::from_ref(state).submit_url().to_string();
        Ok(Self { address, language, limiter, submit_url })
    }
}

impl Applicant {
    /// Admits a request, if its sender may have as many codes and the address is one.
    ///
    /// # Errors
    /// `M_LIMIT_EXCEEDED`, or `M_INVALID_PARAM` for what isn't an e-mail address.
    pub(super) fn admit(self, wanted: Wanted) -> Result<Admitted, MatrixError> {
        self.limiter.sign_in_from(self.address.0)?;
        let email = Email::parse(&wanted.email)?;
        let Self { language, submit_url, .. } = self;
        Ok(Admitted { wanted, email, language, submit_url })
    }
}

/// A code to be mailed.
pub(super) struct Admitted {
    wanted: Wanted,
    email: Email,
    language: Language,
    /// Where the code is to be sent to.
    pub(super) submit_url: String,
}

impl Admitted {
    /// The request as the services know it.
    pub(super) fn request(&self) -> TokenRequest<'_> {
        TokenRequest {
            client_secret: &self.wanted.client_secret,
            email: &self.email,
            send_attempt: self.wanted.send_attempt.into(),
            next_link: self.wanted.next_link.as_deref(),
            language: self.language,
        }
    }
}
