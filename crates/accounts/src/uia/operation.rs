use ruma::{OwnedUserId, UserId, api::client::uiaa::AuthType};
use serde::Serialize;

use crate::{
    AccountsError, RegistrationConfig, RegistrationMode,
    token::{self, TokenHash},
    validation::Purpose,
};

/// What a request wants: a hash over everything that must not change between stages.
///
/// Leave secrets out, so that the store doesn't keep a fast hash of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub(super) TokenHash);

impl Fingerprint {
    /// The fingerprint of a request's content.
    pub fn of(content: &impl Serialize) -> Self {
        // What ruma parsed from JSON can be written as JSON.
        let text = serde_json::to_vec(content).unwrap_or_default();
        Self(token::hash_parts([text.as_slice()]))
    }
}

/// Something that needs user-interactive authentication.
#[derive(Clone, Debug)]
pub struct Operation {
    pub(super) name: &'static str,
    pub(super) user_id: Option<OwnedUserId>,
    pub(super) fingerprint: Fingerprint,
    pub(super) flows: Vec<Vec<AuthType>>,
    pub(super) purpose: Option<Purpose>,
    /// The page where its user approves it, if that is the stage.
    pub(super) approval_url: Option<String>,
}

impl Operation {
    /// Something that a signed-in user does and confirms with the password.
    #[must_use]
    pub fn confirmed_by_password(
        name: &'static str,
        user_id: &UserId,
        fingerprint: Fingerprint,
    ) -> Self {
        let user_id = Some(user_id.to_owned());
        let flows = vec![vec![AuthType::Password]];
        Self { name, user_id, fingerprint, flows, purpose: None, approval_url: None }
    }

    /// The replacement of the cross-signing keys by an OAuth 2.0 client, which its user approves on
    /// the account's page (section "OAuth authentication").
    #[must_use]
    pub fn approved_in_browser(
        name: &'static str,
        user_id: &UserId,
        fingerprint: Fingerprint,
        approval_url: String,
    ) -> Self {
        Self {
            name,
            user_id: Some(user_id.to_owned()),
            fingerprint,
            flows: vec![vec![AuthType::OAuth]],
            purpose: None,
            approval_url: Some(approval_url),
        }
    }

    /// A change of the password: by a signed-in user with the old one, or by whoever reads the mail
    /// of the account's address.
    #[must_use]
    pub fn password_change(user_id: Option<&UserId>, fingerprint: Fingerprint) -> Self {
        let by_password = user_id.is_some().then(|| vec![AuthType::Password]);
        let by_mail = vec![AuthType::EmailIdentity];
        Self {
            name: "password_change",
            user_id: user_id.map(ToOwned::to_owned),
            fingerprint,
            flows: by_password.into_iter().chain([by_mail]).collect(),
            purpose: Some(Purpose::PasswordReset),
            approval_url: None,
        }
    }

    /// The creation of an account.
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`] where nobody can sign up.
    pub fn registration(
        config: &RegistrationConfig,
        fingerprint: Fingerprint,
    ) -> Result<Self, AccountsError> {
        let stage = match config.mode {
            RegistrationMode::Email => AuthType::EmailIdentity,
            RegistrationMode::Token => AuthType::RegistrationToken,
            RegistrationMode::Open => AuthType::Dummy,
            RegistrationMode::Closed => {
                return Err(AccountsError::forbidden(
                    "nobody can sign up here: ask your administrator for an account",
                ));
            }
        };
        Ok(Self {
            name: "registration",
            user_id: None,
            fingerprint,
            flows: vec![vec![stage]],
            purpose: Some(Purpose::Registration),
            approval_url: None,
        })
    }
}
