//! Confirming that somebody reads the mail of an address (client-server API, sections "Email-based
//! (identity / homeserver)" and "Adding Account Administrative Contact Information").
//!
//! A client names a secret of its own and an address; the address gets a six-digit code and a link.
//! Either, given back together with the session's id, confirms the session.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use pli_store::{Batch, Expect, Keyspace, Position, Record, Snapshot, Store, ambient::Ambient};
use ruma::{ClientSecret, OwnedSessionId, SessionId};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use url::Url;

use crate::{
    AccountsError,
    accounts::Email,
    mail::{Confirmation, Language, Letter, LetterKind, Mailer},
    token::{self, TokenHash},
};

/// session id → the session.
pub(crate) const VALIDATIONS: Keyspace<String, ValidationRecord> =
    Keyspace::new("email_validations");
/// hash of purpose, address and client secret → session id.
pub(crate) const VALIDATION_INDEX: Keyspace<TokenHash, String> =
    Keyspace::new("email_validation_index");

/// How many wrong codes end a session.
const MAX_WRONG_CODES: u8 = 5;
/// How many mails an address gets in [`MAIL_WINDOW`]. Together with [`MAX_WRONG_CODES`] this bounds
/// how often somebody can guess.
const MAX_MAILS_PER_WINDOW: usize = 6;
/// See [`MAX_MAILS_PER_WINDOW`].
const MAIL_WINDOW: Duration = Duration::from_secs(60 * 60);
/// How many addresses the limit is remembered for before the memory is tidied up.
const LIMITED_ADDRESSES: usize = 10_000;
/// For how long a confirmed session can be used.
const VALIDATED_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// What an address is confirmed for. A session for one purpose is worth nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To create an account.
    Registration,
    /// To set a new password.
    PasswordReset,
    /// To add the address to an account.
    AddEmail,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::PasswordReset => "password_reset",
            Self::AddEmail => "add_email",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ValidationRecord {
    purpose: Purpose,
    email: String,
    client_secret: TokenHash,
    send_attempt: u64,
    /// The hash of the session's id and its current code; `None`: no code confirms this session.
    code: Option<TokenHash>,
    /// The hash of the token in the current link.
    link: Option<TokenHash>,
    wrong_codes: u8,
    validated_ms: Option<u64>,
    pub(crate) expires_ms: u64,
    next_link: Option<String>,
    language: Language,
}

impl Record for ValidationRecord {}

/// A client's request for a mail.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// The secret that the client made up for this.
    pub client_secret: &'a ClientSecret,
    /// The address.
    pub email: &'a Email,
    /// A greater number than before asks for another mail.
    pub send_attempt: u64,
    /// Where the link's page leads on to.
    pub next_link: Option<&'a str>,
    /// The language of the mail.
    pub language: Language,
}

/// What the mail is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The code and the link.
    Code,
    /// That the address has an account already. The session can't be confirmed.
    AlreadyRegistered,
    /// No mail at all. The session can't be confirmed.
    Nothing,
}

/// A confirmed address.
#[derive(Clone, Debug)]
pub struct ValidatedEmail {
    /// The address.
    pub email: Email,
    /// When it was confirmed, in milliseconds since the Unix epoch.
    pub validated_ms: u64,
    sid: String,
    version: Position,
    index: TokenHash,
}

impl ValidatedEmail {
    /// Uses the session up, in a batch that does more: it confirms one operation, not two.
    pub(crate) fn stage_use(&self, batch: &mut Batch) {
        batch
            .require(&VALIDATIONS, &self.sid, Expect::Version(self.version))
            .delete(&VALIDATIONS, &self.sid)
            .delete(&VALIDATION_INDEX, self.index);
    }
}

/// A session as the page behind the link shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingValidation {
    /// The address.
    pub email: String,
    /// What it is confirmed for.
    pub purpose: Purpose,
    /// The language that the mail was written in.
    pub language: Language,
    /// Where to go on afterwards.
    pub next_link: Option<String>,
}

/// Confirms e-mail addresses.
#[derive(Clone)]
pub struct EmailValidation {
    store: Store,
    ambient: Ambient,
    mailer: Mailer,
    submit_url: Url,
    code_lifetime: Duration,
    recent_mails: Arc<Mutex<HashMap<String, VecDeque<u64>>>>,
}

impl EmailValidation {
    /// Confirms addresses by mails whose links lead below `public_url`.
    ///
    /// # Errors
    /// [`AccountsError::Configuration`] if nothing can be below this URL.
    pub fn new(
        store: Store,
        ambient: Ambient,
        mailer: Mailer,
        public_url: &Url,
        code_lifetime: Duration,
    ) -> Result<Self, AccountsError> {
        let submit_url = public_url
            .join(SUBMIT_PATH)
            .map_err(|error| AccountsError::Configuration(format!("public_url: {error}")))?;
        let recent_mails = Arc::default();
        Ok(Self { store, ambient, mailer, submit_url, code_lifetime, recent_mails })
    }

    /// Where clients post the code to.
    #[must_use]
    pub fn submit_url(&self) -> &Url {
        &self.submit_url
    }

    /// Starts a session, or goes on with the one that this client started, and sends the mail.
    pub(crate) async fn request_token(
        &self,
        purpose: Purpose,
        request: TokenRequest<'_>,
        delivery: Delivery,
    ) -> Result<OwnedSessionId, AccountsError> {
        let sid = retry_on_conflict!(self.try_request_token(purpose, request, delivery).await)?;
        SessionId::parse(sid).map_err(|error| AccountsError::invalid_param(error.to_string()))
    }

    async fn try_request_token(
        &self,
        purpose: Purpose,
        request: TokenRequest<'_>,
        delivery: Delivery,
    ) -> Result<String, AccountsError> {
        let client_secret = token::hash(request.client_secret.as_str());
        let index = index(purpose, request.email.as_str(), &client_secret);
        let now_ms = self.ambient.now_ms();
        let snapshot = self.store.snapshot().await?;
        let known = match snapshot.get(&VALIDATION_INDEX, index).await? {
            Some(sid) => snapshot
                .get_versioned(&VALIDATIONS, &sid)
                .await?
                .filter(|(session, _)| session.expires_ms > now_ms)
                .map(|(session, version)| (sid, session, version)),
            None => None,
        };
        drop(snapshot);
        if let Some((sid, session, _)) = &known {
            // The same attempt again is a request whose answer got lost: no second mail.
            let repeated = request.send_attempt <= session.send_attempt;
            if repeated || session.validated_ms.is_some() {
                return Ok(sid.clone());
            }
        }
        self.limit_mails(request.email)?;

        let mut batch = Batch::new();
        let (sid, wrong_codes) = match known {
            Some((sid, session, version)) => {
                batch.require(&VALIDATIONS, &sid, Expect::Version(version));
                (sid, session.wrong_codes)
            }
            None => (self.ambient.random_string(24), 0),
        };
        let code = self.new_code();
        let link_token = self.ambient.random_string(32);
        let confirmable = delivery == Delivery::Code;
        let lifetime_ms = u64::try_from(self.code_lifetime.as_millis()).unwrap_or(u64::MAX);
        let expires_ms = now_ms.saturating_add(lifetime_ms);
        let session = ValidationRecord {
            purpose,
            email: request.email.as_str().to_owned(),
            client_secret,
            send_attempt: request.send_attempt,
            code: confirmable.then(|| code_hash(&sid, &code)),
            link: confirmable.then(|| token::hash(&link_token)),
            wrong_codes,
            validated_ms: None,
            expires_ms,
            next_link: request.next_link.map(str::to_owned),
            language: request.language,
        };
        batch.put(&VALIDATIONS, &sid, &session).put(&VALIDATION_INDEX, index, &sid);

        let mut link = self.submit_url.clone();
        link.query_pairs_mut().append_pair("sid", &sid).append_pair("token", &link_token);
        let minutes = self.code_lifetime.as_secs().div_ceil(60);
        let confirmation = Confirmation { code, link: link.into(), minutes };
        let kind = match (delivery, purpose) {
            (Delivery::Code, Purpose::Registration) => Some(LetterKind::SignUp(&confirmation)),
            (Delivery::Code, Purpose::PasswordReset) => {
                Some(LetterKind::ResetPassword(&confirmation))
            }
            (Delivery::Code, Purpose::AddEmail) => Some(LetterKind::AddEmail(&confirmation)),
            (Delivery::AlreadyRegistered, _) => Some(LetterKind::AlreadyRegistered),
            (Delivery::Nothing, _) => None,
        };
        if let Some(kind) = kind {
            let letter = Letter::write(kind, request.language);
            self.mailer.stage(&mut batch, request.email, letter, expires_ms);
        }
        self.store.commit(batch).await?;
        self.mailer.wake_sender();
        Ok(sid)
    }

    /// Confirms a session by its code and the client's secret, or by the token of the link alone
    /// (which is long enough to be a secret itself).
    ///
    /// # Errors
    /// [`AccountsError::NoValidSession`] if there is no such session (any more),
    /// [`AccountsError::TokenIncorrect`] if the code is wrong; when the store fails.
    pub async fn submit(
        &self,
        sid: &str,
        client_secret: Option<&str>,
        given: &str,
    ) -> Result<PendingValidation, AccountsError> {
        retry_on_conflict!(self.try_submit(sid, client_secret, given).await)
    }

    async fn try_submit(
        &self,
        sid: &str,
        client_secret: Option<&str>,
        given: &str,
    ) -> Result<PendingValidation, AccountsError> {
        let (mut session, version) = self.live_session(sid).await?;
        if let Some(client_secret) = client_secret {
            let given_secret = token::hash(client_secret);
            if !equal(&given_secret, &session.client_secret) {
                return Err(AccountsError::NoValidSession);
            }
        }
        // People type the code as the mail shows it, with a space.
        let code: String = given.chars().filter(|character| !character.is_whitespace()).collect();
        let is_code = client_secret.is_some()
            && session.code.is_some_and(|expected| equal(&code_hash(sid, &code), &expected));
        let is_link = session.link.is_some_and(|expected| equal(&token::hash(given), &expected));

        let now_ms = self.ambient.now_ms();
        let index = index(session.purpose, &session.email, &session.client_secret);
        let mut batch = Batch::new();
        batch.require(&VALIDATIONS, sid, Expect::Version(version));
        if is_code || is_link {
            let pending = pending(&session);
            if session.validated_ms.is_none() {
                let lifetime_ms = u64::try_from(VALIDATED_LIFETIME.as_millis()).unwrap_or(u64::MAX);
                session.validated_ms = Some(now_ms);
                session.expires_ms = now_ms.saturating_add(lifetime_ms);
                batch.put(&VALIDATIONS, sid, &session);
                self.store.commit(batch).await?;
            }
            return Ok(pending);
        }

        session.wrong_codes = session.wrong_codes.saturating_add(1);
        if session.wrong_codes >= MAX_WRONG_CODES {
            // Somebody guesses: a new session means a new mail.
            batch.delete(&VALIDATIONS, sid).delete(&VALIDATION_INDEX, index);
        } else {
            batch.put(&VALIDATIONS, sid, &session);
        }
        self.store.commit(batch).await?;
        Err(AccountsError::TokenIncorrect)
    }

    /// The session that a link leads to, without confirming it: mail scanners open links too.
    ///
    /// # Errors
    /// [`AccountsError::NoValidSession`] if the link is wrong or too old; when the store fails.
    pub async fn open_link(
        &self,
        sid: &str,
        link_token: &str,
    ) -> Result<PendingValidation, AccountsError> {
        let (session, _) = self.live_session(sid).await?;
        let is_link =
            session.link.is_some_and(|expected| equal(&token::hash(link_token), &expected));
        if !is_link {
            return Err(AccountsError::NoValidSession);
        }
        Ok(pending(&session))
    }

    /// The confirmed address of a session.
    ///
    /// # Errors
    /// [`AccountsError::ThreepidAuthFailed`] if the session isn't confirmed, isn't this client's or
    /// isn't for this purpose; when the store fails.
    pub(crate) async fn validated_at(
        &self,
        snapshot: &Snapshot,
        purpose: Purpose,
        sid: &str,
        client_secret: &str,
    ) -> Result<ValidatedEmail, AccountsError> {
        const FAILED: AccountsError = AccountsError::ThreepidAuthFailed;
        let (session, version) = snapshot.get_versioned(&VALIDATIONS, sid).await?.ok_or(FAILED)?;
        let given_secret = token::hash(client_secret);
        let is_live = session.expires_ms > self.ambient.now_ms();
        let is_theirs = equal(&given_secret, &session.client_secret);
        if !is_live || !is_theirs || session.purpose != purpose {
            return Err(FAILED);
        }
        let validated_ms = session.validated_ms.ok_or(FAILED)?;
        let email = Email::parse(&session.email)?;
        let index = index(purpose, &session.email, &session.client_secret);
        Ok(ValidatedEmail { email, validated_ms, sid: sid.to_owned(), version, index })
    }

    async fn live_session(&self, sid: &str) -> Result<(ValidationRecord, Position), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let found = snapshot.get_versioned(&VALIDATIONS, sid).await?;
        let now_ms = self.ambient.now_ms();
        found
            .filter(|(session, _)| session.expires_ms > now_ms)
            .ok_or(AccountsError::NoValidSession)
    }

    /// Counts a mail to an address. In memory: a restart forgives.
    fn limit_mails(&self, email: &Email) -> Result<(), AccountsError> {
        let now_ms = self.ambient.now_ms();
        let window_ms = u64::try_from(MAIL_WINDOW.as_millis()).unwrap_or(u64::MAX);
        let mut recent_mails = self.recent_mails.lock();
        if recent_mails.len() > LIMITED_ADDRESSES {
            recent_mails.retain(|_, sent| {
                sent.back().is_some_and(|last| last.saturating_add(window_ms) > now_ms)
            });
        }
        let sent = recent_mails.entry(email.as_str().to_owned()).or_default();
        while sent.front().is_some_and(|first| first.saturating_add(window_ms) <= now_ms) {
            sent.pop_front();
        }
        if let Some(first) = sent.front().filter(|_| sent.len() >= MAX_MAILS_PER_WINDOW) {
            let wait_ms = first.saturating_add(window_ms).saturating_sub(now_ms);
            return Err(AccountsError::LimitExceeded {
                retry_after: Duration::from_millis(wait_ms),
            });
        }
        sent.push_back(now_ms);
        Ok(())
    }

    /// Six digits, each code equally likely.
    fn new_code(&self) -> String {
        loop {
            let drawn = u32::from_be_bytes(self.ambient.random_bytes());
            // The greatest multiple of a million that fits.
            if drawn < 4_294_000_000 {
                return format!("{:06}", drawn % 1_000_000);
            }
        }
    }
}

/// Where codes are posted to and links lead to, below the public URL.
pub const SUBMIT_PATH: &str = "/_matrix/client/unstable/pli/email/submit_token";

fn pending(session: &ValidationRecord) -> PendingValidation {
    PendingValidation {
        email: session.email.clone(),
        purpose: session.purpose,
        language: session.language,
        next_link: session.next_link.clone(),
    }
}

fn index(purpose: Purpose, email: &str, client_secret: &TokenHash) -> TokenHash {
    token::hash_parts([purpose.name().as_bytes(), email.as_bytes(), client_secret])
}

fn code_hash(sid: &str, code: &str) -> TokenHash {
    token::hash_parts([sid.as_bytes(), code.as_bytes()])
}

fn equal(left: &TokenHash, right: &TokenHash) -> bool {
    left.ct_eq(right).into()
}

/// The index row of a session that is tidied away.
pub(crate) fn stage_expiry(batch: &mut Batch, sid: &str, session: &ValidationRecord) {
    let index = index(session.purpose, &session.email, &session.client_secret);
    batch.delete(&VALIDATIONS, sid).delete(&VALIDATION_INDEX, index);
}
