//! User-interactive authentication (client-server API, section "User-Interactive Authentication
//! API"): proving, in stages, that one may do something.
//!
//! A session of it belongs to one operation of one user, and from the first stage on to one request
//! body: what somebody confirmed can't be exchanged for something else.

mod approval;
mod elsewhere;
pub(crate) mod guesses;
mod operation;
mod permit;

use std::time::Duration;

use pli_store::{Batch, Expect, Keyspace, Position, Record, Snapshot, Store, ambient::Ambient};
use ruma::{
    OwnedUserId, UserId,
    api::{
        client::uiaa::{AuthData, AuthFlow, AuthType, UiaaInfo, UserIdentifier},
        error::{ErrorKind, StandardErrorBody},
    },
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

pub(crate) use self::approval::CROSS_SIGNING_RESETS;
use self::guesses::Guesses;
pub use self::{
    operation::{Fingerprint, Operation},
    permit::Permit,
};
use crate::{
    AccountsError, RegistrationConfig,
    login::{Identifier, Login},
    token::{self, TokenHash},
    upstream::UpstreamRules,
    validation::{EmailValidation, Purpose},
};

/// session id → the session.
pub(crate) const UIA_SESSIONS: Keyspace<String, UiaRecord> = Keyspace::new("uia_sessions");

/// For how long a session can be used.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// How many failed stages end a session.
const MAX_FAILURES: u8 = 10;
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UiaRecord {
    operation: String,
    user_id: Option<OwnedUserId>,
    flows: Vec<Vec<String>>,
    purpose: Option<Purpose>,
    /// What the request that started the session wants.
    first_fingerprint: TokenHash,
    /// What the request wants for which a stage was completed.
    fingerprint: Option<TokenHash>,
    completed: Vec<String>,
    /// The confirmed address, as the ids by which to find it again.
    email: Option<(String, String)>,
    failures: u8,
    pub(crate) expires_ms: u64,
    /// The page where the stage `m.oauth` is completed.
    #[serde(default)]
    approval_url: Option<String>,
}

impl Record for UiaRecord {}

/// A session as the fallback page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FallbackSession {
    /// What is to be confirmed, by its name in this server.
    pub operation: String,
    /// Whether this stage has been completed.
    pub completed: bool,
    /// The user who confirms, if the operation has one.
    pub user_id: Option<OwnedUserId>,
    /// What a confirmed address would be for.
    pub purpose: Option<Purpose>,
}

/// Asks for proof and checks it.
#[derive(Clone)]
pub struct UserInteractive {
    store: Store,
    ambient: Ambient,
    login: Login,
    validation: EmailValidation,
    registration_token: Option<TokenHash>,
    guesses: Guesses,
    upstream: UpstreamRules,
}

/// Why a stage isn't completed.
struct StageFailure {
    kind: ErrorKind,
    message: String,
    /// Whether it was a guess, which can't be repeated for ever.
    counts: bool,
}

/// What a completed stage proved.
enum StageProof {
    Nothing,
    Email { sid: String, client_secret: String },
}

impl UserInteractive {
    /// Checks passwords with `login` and addresses with `validation`.
    #[must_use]
    pub fn new(
        store: Store,
        ambient: Ambient,
        login: Login,
        validation: EmailValidation,
        config: &RegistrationConfig,
    ) -> Self {
        let registration_token = config.token.as_deref().map(token::hash);
        let guesses = Guesses::new();
        let upstream = UpstreamRules::new(&[]);
        Self { store, ambient, login, validation, registration_token, guesses, upstream }
    }

    /// The same, with accounts that are linked to these providers.
    #[must_use]
    pub(crate) fn with_upstream(self, upstream: UpstreamRules) -> Self {
        Self { upstream, ..self }
    }

    /// Whether an operation may go on, given what the client sent as `auth`.
    ///
    /// # Errors
    /// [`AccountsError::UserInteractive`] with the flows if a stage is missing or failed,
    /// [`AccountsError::Forbidden`] if the session belongs to something else; when the store fails.
    pub async fn authorise(
        &self,
        operation: &Operation,
        auth: Option<&AuthData>,
    ) -> Result<Permit, AccountsError> {
        let operation = &*self.adapted(operation).await?;
        retry_on_conflict!(self.try_authorise(operation, auth).await)
    }

    async fn try_authorise(
        &self,
        operation: &Operation,
        auth: Option<&AuthData>,
    ) -> Result<Permit, AccountsError> {
        let Some(auth) = auth else {
            return Err(self.challenge(None, self.new_session(operation), None).await?);
        };
        let known = match auth.session() {
            Some(session_id) => match self.find(session_id).await? {
                Some((session, version)) => Some((session_id.to_owned(), session, version)),
                None => {
                    let failure = StageFailure {
                        kind: ErrorKind::Forbidden,
                        message: "this confirmation has expired: start again".to_owned(),
                        counts: false,
                    };
                    let session = self.new_session(operation);
                    return Err(self.challenge(None, session, Some(failure)).await?);
                }
            },
            // Clients may complete a stage at once, without asking for a session first.
            None => None,
        };
        let (session_key, mut session) = match known {
            Some((session_id, session, version)) => {
                check_same_operation(&session, operation)?;
                (Some((session_id, version)), session)
            }
            None => (None, self.new_session(operation)),
        };

        // Approved on the account's page (section "OAuth authentication"): the client says no more
        // than which session it means.
        let approval = match &operation.approval_url {
            Some(_) => self.approval_of(operation).await?,
            None => None,
        };
        if approval.is_some() {
            complete(&mut session, &AuthType::OAuth, StageProof::Nothing, operation.fingerprint);
        } else if let Some(stage) = auth.auth_type().filter(is_checked_here) {
            if !operation.flows.iter().flatten().any(|offered| *offered == stage) {
                return Err(AccountsError::invalid_param(
                    "this way of authentication is not offered here",
                ));
            }
            match self.check_stage(auth, operation.user_id.as_deref(), operation.purpose).await? {
                Ok(proof) => complete(&mut session, &stage, proof, operation.fingerprint),
                Err(failure) => {
                    return Err(self.challenge(session_key, session, Some(failure)).await?);
                }
            }
        }
        if !is_complete(&session) {
            return Err(self.challenge(session_key, session, None).await?);
        }
        let email = match (&session.email, operation.purpose) {
            (Some((sid, client_secret)), Some(purpose)) => {
                let snapshot = self.store.snapshot().await?;
                Some(self.validation.validated_at(&snapshot, purpose, sid, client_secret).await?)
            }
            _ => None,
        };
        Ok(Permit { session: session_key, email, approval })
    }

    /// A session and whether a stage of it is completed, for the fallback page.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if there is no such session or it doesn't offer this stage; when
    /// the store fails.
    pub async fn fallback(
        &self,
        session_id: &str,
        stage: &AuthType,
    ) -> Result<FallbackSession, AccountsError> {
        let (session, _) = self.find(session_id).await?.ok_or_else(no_such_session)?;
        if !session.flows.iter().flatten().any(|offered| offered == stage.as_str()) {
            return Err(no_such_session());
        }
        let completed = session.completed.iter().any(|completed| completed == stage.as_str());
        let UiaRecord { operation, user_id, purpose, .. } = session;
        Ok(FallbackSession { operation, completed, user_id, purpose })
    }

    /// Completes a stage from the fallback page. It counts for the request that started the session.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if there is no such session, [`AccountsError::Forbidden`] if the
    /// stage failed; when the store fails.
    pub async fn complete_fallback(
        &self,
        session_id: &str,
        auth: &AuthData,
    ) -> Result<(), AccountsError> {
        retry_on_conflict!(self.try_complete_fallback(session_id, auth).await)
    }

    async fn try_complete_fallback(
        &self,
        session_id: &str,
        auth: &AuthData,
    ) -> Result<(), AccountsError> {
        let (mut session, version) = self.find(session_id).await?.ok_or_else(no_such_session)?;
        let stage = auth.auth_type().ok_or_else(no_such_session)?;
        if !session.flows.iter().flatten().any(|offered| offered == stage.as_str()) {
            return Err(no_such_session());
        }
        let user_id = session.user_id.clone();
        let outcome = self.check_stage(auth, user_id.as_deref(), session.purpose).await?;
        let result = match outcome {
            Ok(proof) => {
                let fingerprint = Fingerprint(session.first_fingerprint);
                complete(&mut session, &stage, proof, fingerprint);
                Ok(())
            }
            Err(failure) => {
                session.failures = session.failures.saturating_add(u8::from(failure.counts));
                Err(AccountsError::forbidden(failure.message))
            }
        };
        let mut batch = Batch::new();
        batch.require(&UIA_SESSIONS, session_id, Expect::Version(version));
        stage_session(&mut batch, session_id, &session);
        self.store.commit(batch).await?;
        result
    }

    /// Whether a registration token is valid.
    #[must_use]
    pub fn is_registration_token(&self, given: &str) -> bool {
        let given = token::hash(given);
        self.registration_token.is_some_and(|expected| expected.ct_eq(&given).into())
    }

    async fn check_stage(
        &self,
        auth: &AuthData,
        user_id: Option<&UserId>,
        purpose: Option<Purpose>,
    ) -> Result<Result<StageProof, StageFailure>, AccountsError> {
        match auth {
            AuthData::Password(password) => {
                let identifier = match &password.identifier {
                    UserIdentifier::Matrix(matrix) => Identifier::User(matrix.user.clone()),
                    UserIdentifier::Email(email) => Identifier::Email(email.address.clone()),
                    _ => {
                        return Err(AccountsError::invalid_param(
                            "identify yourself by user id or e-mail address",
                        ));
                    }
                };
                if let Some(user_id) = user_id {
                    self.guesses.check(user_id, self.ambient.now_ms())?;
                }
                match self.login.check_password(&identifier, &password.password).await {
                    Ok(found) if Some(&*found) == user_id => Ok(Ok(StageProof::Nothing)),
                    // Somebody else's password proves nothing, however right it is.
                    outcome @ (Ok(_)
                    | Err(
                        AccountsError::Forbidden(_) | AccountsError::UserDeactivated,
                    )) => {
                        if let Some(user_id) = user_id {
                            self.guesses.count(user_id, self.ambient.now_ms());
                            if outcome.is_ok() {
                                return Err(AccountsError::forbidden(
                                    "this is another account's password: confirm with your own",
                                ));
                            }
                        }
                        Ok(Err(StageFailure {
                            kind: ErrorKind::Forbidden,
                            message: "the password is wrong: check it and try again".to_owned(),
                            counts: true,
                        }))
                    }
                    Err(error) => Err(error),
                }
            }
            AuthData::EmailIdentity(identity) => {
                let purpose = purpose.ok_or_else(no_such_session)?;
                let credentials = &identity.thirdparty_id_creds;
                let sid = credentials.sid.as_str();
                let client_secret = credentials.client_secret.as_str();
                let snapshot = self.store.snapshot().await?;
                match self.validation.validated_at(&snapshot, purpose, sid, client_secret).await {
                    Ok(_) => Ok(Ok(StageProof::Email {
                        sid: sid.to_owned(),
                        client_secret: client_secret.to_owned(),
                    })),
                    // Clients ask every few seconds until the link has been opened: no guess.
                    Err(error @ AccountsError::ThreepidAuthFailed) => Ok(Err(StageFailure {
                        kind: ErrorKind::ThreepidAuthFailed,
                        message: error.to_string(),
                        counts: false,
                    })),
                    Err(error) => Err(error),
                }
            }
            AuthData::RegistrationToken(given) => {
                if self.is_registration_token(&given.token) {
                    return Ok(Ok(StageProof::Nothing));
                }
                Ok(Err(StageFailure {
                    kind: ErrorKind::Unauthorized,
                    message: "the registration token is not valid: ask who gave it to you"
                        .to_owned(),
                    counts: true,
                }))
            }
            AuthData::Dummy(_) => Ok(Ok(StageProof::Nothing)),
            _ => {
                Err(AccountsError::invalid_param("this way of authentication is not offered here"))
            }
        }
    }

    fn new_session(&self, operation: &Operation) -> UiaRecord {
        let lifetime_ms = u64::try_from(LIFETIME.as_millis()).unwrap_or(u64::MAX);
        let flows = operation
            .flows
            .iter()
            .map(|stages| stages.iter().map(|stage| stage.as_str().to_owned()).collect::<Vec<_>>());
        UiaRecord {
            operation: operation.name.to_owned(),
            user_id: operation.user_id.clone(),
            flows: flows.collect(),
            purpose: operation.purpose,
            first_fingerprint: operation.fingerprint.0,
            fingerprint: None,
            completed: Vec::new(),
            email: None,
            failures: 0,
            expires_ms: self.ambient.now_ms().saturating_add(lifetime_ms),
            approval_url: operation.approval_url.clone(),
        }
    }

    async fn find(&self, session_id: &str) -> Result<Option<(UiaRecord, Position)>, AccountsError> {
        let snapshot: Snapshot = self.store.snapshot().await?;
        let found = snapshot.get_versioned(&UIA_SESSIONS, session_id).await?;
        let now_ms = self.ambient.now_ms();
        Ok(found.filter(|(session, _)| session.expires_ms > now_ms))
    }

    /// Stores a session and makes the error that asks for (another) stage.
    async fn challenge(
        &self,
        known: Option<(String, Position)>,
        mut session: UiaRecord,
        failure: Option<StageFailure>,
    ) -> Result<AccountsError, AccountsError> {
        let mut batch = Batch::new();
        let is_guess = failure.as_ref().is_some_and(|failure| failure.counts);
        session.failures = session.failures.saturating_add(u8::from(is_guess));
        let session_id = match known {
            Some((session_id, version)) => {
                batch.require(&UIA_SESSIONS, &session_id, Expect::Version(version));
                session_id
            }
            None => self.ambient.random_string(24),
        };
        stage_session(&mut batch, &session_id, &session);
        self.store.commit(batch).await?;

        let flows = session.flows.iter().map(|stages| {
            AuthFlow::new(stages.iter().map(|stage| AuthType::from(stage.as_str())).collect())
        });
        let mut info = UiaaInfo::new(flows.collect());
        info.completed =
            session.completed.iter().map(|stage| AuthType::from(stage.as_str())).collect();
        info.session = Some(session_id);
        let params = match &session.approval_url {
            Some(url) => serde_json::json!({ AuthType::OAuth.as_str(): { "url": url } }),
            None => serde_json::json!({}),
        };
        info.params = serde_json::value::to_raw_value(&params).ok();
        info.auth_error =
            failure.map(|failure| Box::new(StandardErrorBody::new(failure.kind, failure.message)));
        Ok(AccountsError::UserInteractive(Box::new(info)))
    }
}

/// Whether a stage is completed by what a client sends. The others are on pages of this server, and
/// clients say no more than that they go on.
fn is_checked_here(stage: &AuthType) -> bool {
    // By name: ruma knows no data of the second.
    ![AuthType::OAuth, AuthType::Sso].iter().any(|elsewhere| elsewhere.as_str() == stage.as_str())
}

fn no_such_session() -> AccountsError {
    AccountsError::not_found("this confirmation is not known or has expired: start again")
}

/// A session is for one operation of one user and, once a stage is completed, for one content.
fn check_same_operation(session: &UiaRecord, operation: &Operation) -> Result<(), AccountsError> {
    let same_content =
        session.fingerprint.is_none_or(|fingerprint| fingerprint == operation.fingerprint.0);
    if session.operation != operation.name || session.user_id != operation.user_id || !same_content
    {
        return Err(AccountsError::forbidden(
            "the request has changed since it was confirmed: start again",
        ));
    }
    Ok(())
}

fn complete(
    session: &mut UiaRecord,
    stage: &AuthType,
    proof: StageProof,
    fingerprint: Fingerprint,
) {
    session.fingerprint = Some(fingerprint.0);
    if !session.completed.iter().any(|completed| completed == stage.as_str()) {
        session.completed.push(stage.as_str().to_owned());
    }
    if let StageProof::Email { sid, client_secret } = proof {
        session.email = Some((sid, client_secret));
    }
}

fn is_complete(session: &UiaRecord) -> bool {
    session.flows.iter().any(|stages| stages.iter().all(|stage| session.completed.contains(stage)))
}

/// Writes a session; deletes it if too much was guessed.
fn stage_session(batch: &mut Batch, session_id: &str, session: &UiaRecord) {
    if session.failures >= MAX_FAILURES {
        batch.delete(&UIA_SESSIONS, session_id);
    } else {
        batch.put(&UIA_SESSIONS, session_id, session);
    }
}
