//! Registration by who holds the operator's shared secret: how test harnesses and scripts create
//! accounts (`/_synapse/admin/v1/register`, in the form that they know).

use std::{collections::HashMap, sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use pli_store::ambient::Ambient;
use sha1::Sha1;

use crate::{
    AccountsError, RegistrationConfig,
    devices::SessionRequest,
    registration::{NewAccount, Registered, Registration},
};

/// For how long a nonce can be used.
const NONCE_LIFETIME: Duration = Duration::from_secs(60);
/// How many nonces are out at once.
const MAX_NONCES: usize = 10_000;

/// A request to create an account, signed with the shared secret.
#[derive(Clone, Debug)]
pub struct SharedSecretRequest<'a> {
    /// A nonce from [`SharedSecretRegistration::nonce`].
    pub nonce: &'a str,
    /// The user name.
    pub username: &'a str,
    /// The password.
    pub password: &'a str,
    /// Whether the account is an administrator's.
    pub admin: bool,
    /// The kind of user, which is signed but means nothing here.
    pub user_type: Option<&'a str>,
    /// The display name; the user name if absent. Not signed.
    pub display_name: Option<&'a str>,
    /// The signature, in hexadecimal.
    pub mac: &'a str,
    /// Whether no session is to be opened.
    pub inhibit_login: bool,
}

/// Creates accounts for whoever knows the shared secret.
#[derive(Clone)]
pub struct SharedSecretRegistration {
    ambient: Ambient,
    secret: Option<Arc<str>>,
    registration: Registration,
    /// Nonce → until when it is good, in milliseconds since the Unix epoch.
    nonces: Arc<Mutex<HashMap<String, u64>>>,
}

impl SharedSecretRegistration {
    /// Off unless a secret is configured.
    #[must_use]
    pub fn new(ambient: Ambient, registration: Registration, config: &RegistrationConfig) -> Self {
        let secret =
            config.shared_secret.as_deref().filter(|secret| !secret.is_empty()).map(Arc::from);
        Self { ambient, secret, registration, nonces: Arc::default() }
    }

    /// Whether this is on.
    ///
    /// # Errors
    /// [`AccountsError::Unrecognized`] if it is off.
    pub fn check_enabled(&self) -> Result<(), AccountsError> {
        if self.secret.is_none() { Err(AccountsError::Unrecognized) } else { Ok(()) }
    }

    /// A nonce, good for one request within a minute.
    ///
    /// # Errors
    /// [`AccountsError::Unrecognized`] if this is off, [`AccountsError::LimitExceeded`].
    pub fn nonce(&self) -> Result<String, AccountsError> {
        self.check_enabled()?;
        let now_ms = self.ambient.now_ms();
        let mut nonces = self.nonces.lock();
        nonces.retain(|_, expires_ms| *expires_ms > now_ms);
        if nonces.len() >= MAX_NONCES {
            return Err(AccountsError::LimitExceeded { retry_after: NONCE_LIFETIME });
        }
        let nonce = self.ambient.random_string(32);
        let lifetime_ms = u64::try_from(NONCE_LIFETIME.as_millis()).unwrap_or(u64::MAX);
        nonces.insert(nonce.clone(), now_ms.saturating_add(lifetime_ms));
        Ok(nonce)
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`AccountsError::Unrecognized`] if this is off, [`AccountsError::InvalidParam`] for an unknown
    /// nonce, [`AccountsError::Forbidden`] for a wrong signature; otherwise as
    /// [`Registration::register_by_operator`].
    pub async fn register(
        &self,
        request: SharedSecretRequest<'_>,
    ) -> Result<Registered, AccountsError> {
        let secret = self.secret.as_deref().ok_or(AccountsError::Unrecognized)?;
        let now_ms = self.ambient.now_ms();
        let is_known =
            self.nonces.lock().remove(request.nonce).is_some_and(|expires_ms| expires_ms > now_ms);
        if !is_known {
            return Err(AccountsError::invalid_param("unknown nonce: ask for a new one"));
        }
        check_signature(secret, &request)?;
        let account = NewAccount {
            username: Some(request.username.to_owned()),
            password: Some(request.password.to_owned()),
            session: (!request.inhibit_login).then(SessionRequest::default),
        };
        self.registration.register_by_operator(&account, request.admin, request.display_name).await
    }
}

/// The signature is an HMAC-SHA1 over nonce, user, password, `admin` or `notadmin` and, if there is
/// one, the user's type, with NUL bytes between them.
fn check_signature(secret: &str, request: &SharedSecretRequest<'_>) -> Result<(), AccountsError> {
    let wrong = || AccountsError::forbidden("the signature is wrong: check the shared secret");
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).map_err(|_| wrong())?;
    let role = if request.admin { "admin" } else { "notadmin" };
    let parts = [request.nonce, request.username, request.password, role];
    for (index, part) in parts.into_iter().chain(request.user_type).enumerate() {
        if index > 0 {
            mac.update(b"\0");
        }
        mac.update(part.as_bytes());
    }
    let given = decode_hex(request.mac).ok_or_else(wrong)?;
    mac.verify_slice(&given).map_err(|_| wrong())
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|character| character.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    digits
        .len()
        .is_multiple_of(2)
        .then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
