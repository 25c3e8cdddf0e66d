use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClaimsVerificationError, Nonce,
    OAuth2TokenResponse, PkceCodeVerifier, RequestTokenError, SignatureVerificationError,
    StandardErrorResponse, TokenResponse, UserInfoUrl,
    core::CoreErrorResponseType,
    http::{Request, header},
};
use pli_outbound::OutboundError;
use pli_store::{Batch, Expect};
use ruma::OwnedUserId;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::{
    Upstream, UpstreamOrigin, UpstreamProblem,
    claims::{self, Identity},
    jwt::{self, TokenFault},
    links::{StateRecord, UPSTREAM_STATES},
    provider::{Discovered, LEEWAY, Provider, ProviderIdToken},
    start::browser_hash,
};
use crate::{AccountsError, token};

/// What a browser brings back from a provider.
#[derive(Clone, Copy, Debug)]
pub struct Callback<'a> {
    /// A secret of the browser.
    pub browser: &'a str,
    /// `state`
    pub state: Option<&'a str>,
    /// `code`
    pub code: Option<&'a str>,
    /// `error`
    pub error: Option<&'a str>,
    /// `iss` (RFC 9207)
    pub issuer: Option<&'a str>,
}

/// Somebody signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user_id: OwnedUserId,
    /// The session at the provider.
    pub origin: UpstreamOrigin,
    /// When they proved there who they are, in milliseconds since the Unix epoch, if the provider
    /// says so (`auth_time`).
    pub authenticated_ms: Option<u64>,
    /// Where to go on.
    pub next: String,
}

impl SignedIn {
    /// What the provider says of the sign-in.
    #[must_use]
    pub fn vouched(&self) -> Vouched<'_> {
        Vouched { origin: &self.origin, authenticated_ms: self.authenticated_ms }
    }
}

/// What a provider says of a sign-in there.
#[derive(Clone, Copy, Debug)]
pub struct Vouched<'a> {
    /// The session at the provider.
    pub origin: &'a UpstreamOrigin,
    /// When the person proved who they are, in milliseconds since the Unix epoch; a provider that
    /// doesn't say so may have asked nothing at all.
    pub authenticated_ms: Option<u64>,
}

/// Somebody didn't sign in.
#[derive(Debug)]
pub struct FailedSignIn {
    /// Why.
    pub error: AccountsError,
    /// Where they wanted to go on, if that is known.
    pub next: Option<String>,
}

impl From<AccountsError> for FailedSignIn {
    fn from(error: AccountsError) -> Self {
        Self { error, next: None }
    }
}

impl Upstream {
    /// Ends a sign-in: the person's account, which is created if need be.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] without such a provider, [`AccountsError::Upstream`] with what
    /// went wrong, [`AccountsError::UserDeactivated`], [`AccountsError::UserLocked`]; when the store
    /// fails.
    pub async fn finish(&self, id: &str, callback: Callback<'_>) -> Result<SignedIn, FailedSignIn> {
        let provider = self.provider(id)?;
        let begun = self.take_begun(id, &callback).await?;
        let next = begun.next.clone();
        let outcome = async {
            let identity = self.identify(provider, &callback, &begun).await?;
            let (user_id, origin) = self.admit(provider, &identity).await?;
            Ok((user_id, origin, identity.authenticated_ms))
        };
        match outcome.await {
            Ok((user_id, origin, authenticated_ms)) => {
                Ok(SignedIn { user_id, origin, authenticated_ms, next })
            }
            Err(error) => Err(FailedSignIn { error, next: Some(next) }),
        }
    }

    /// The sign-in that a callback ends. It can't be ended twice, whatever comes of it.
    async fn take_begun(
        &self,
        id: &str,
        callback: &Callback<'_>,
    ) -> Result<StateRecord, AccountsError> {
        const EXPIRED: AccountsError = AccountsError::Upstream(UpstreamProblem::Expired);
        let hash = token::hash(callback.state.ok_or(EXPIRED)?);
        let snapshot = self.store.snapshot().await?;
        let found = snapshot.get_versioned(&UPSTREAM_STATES, hash).await?;
        drop(snapshot);
        let (begun, version) = found.ok_or(EXPIRED)?;
        // Begun in another browser: somebody wants to sign this person in as somebody else. Nor may
        // one provider's answer pass for another's.
        let is_same_browser: bool = begun.browser.ct_eq(&browser_hash(callback.browser)).into();
        if !is_same_browser || begun.provider != id {
            return Err(EXPIRED);
        }
        let mut batch = Batch::new();
        batch
            .require(&UPSTREAM_STATES, hash, Expect::Version(version))
            .delete(&UPSTREAM_STATES, hash);
        match self.store.commit(batch).await.map_err(AccountsError::from) {
            Err(error) if error.is_conflict() => return Err(EXPIRED),
            outcome => outcome?,
        };
        if begun.expires_ms <= self.ambient.now_ms() {
            return Err(EXPIRED);
        }
        Ok(begun)
    }

    async fn identify(
        &self,
        provider: &Provider,
        callback: &Callback<'_>,
        begun: &StateRecord,
    ) -> Result<Identity, AccountsError> {
        // RFC 9207, section 2.4: an answer of another issuer's is none.
        if callback.issuer.is_some_and(|issuer| issuer != provider.issuer().as_str()) {
            let what = "the answer is another issuer's".to_owned();
            return Err(provider.report(UpstreamProblem::Misbehaved(what)));
        }
        if let Some(error) = callback.error {
            // The text goes into the log: no more than a code, and no line breaks.
            let code: String = error.chars().filter(char::is_ascii_graphic).take(64).collect();
            return Err(provider.report(match code.as_str() {
                "temporarily_unavailable" | "server_error" => UpstreamProblem::Unreachable(code),
                _ => UpstreamProblem::Refused(code),
            }));
        }
        let code = callback.code.ok_or_else(|| {
            provider.report(UpstreamProblem::Misbehaved("there is no code".to_owned()))
        })?;
        let claims = self.claims(provider, code, begun).await.map_err(|error| match error {
            AccountsError::Upstream(problem) => provider.report(problem),
            error => error,
        })?;
        let identity = Identity::read(&claims, &provider.config, &self.registration_config);
        identity.map_err(|problem| provider.report(problem))
    }

    /// Exchanges the code and collects all that the provider says of the person.
    async fn claims(
        &self,
        provider: &Provider,
        code: &str,
        begun: &StateRecord,
    ) -> Result<Map<String, Value>, AccountsError> {
        let known = provider.discovered().await?;
        let client = provider.client(&known);
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| UpstreamProblem::misbehaved(&error))?
            .set_pkce_verifier(PkceCodeVerifier::new(begun.code_verifier.clone()))
            .request_async(&provider.transport)
            .await
            .map_err(|error| token_problem(&error))?;
        let id_token = answer
            .id_token()
            .ok_or_else(|| UpstreamProblem::Misbehaved("there is no ID token".to_owned()))?;

        let access_token = answer.access_token();
        let verified = self.verify(provider, &known, id_token, begun, access_token);
        let (known, mut claims) = match verified {
            Err(Fault::UnknownKey) => {
                let known = provider.discovered_anew(&known).await?;
                let verified = self.verify(provider, &known, id_token, begun, access_token);
                (known, verified.map_err(Fault::problem)?)
            }
            verified => (known, verified.map_err(Fault::problem)?),
        };
        if let Some(endpoint) = known.metadata.userinfo_endpoint() {
            let subject = claims.get("sub").cloned().unwrap_or_default();
            let told =
                user_info(provider, known.as_ref(), endpoint, access_token, &subject).await?;
            claims::join(&mut claims, told, &provider.config.claims);
        }
        Ok(claims)
    }

    /// OpenID Connect Core, section 3.1.3.7: whether an ID token is good, and what is in it.
    fn verify(
        &self,
        provider: &Provider,
        known: &Arc<Discovered>,
        id_token: &ProviderIdToken,
        begun: &StateRecord,
        access_token: &AccessToken,
    ) -> Result<Map<String, Value>, Fault> {
        let misbehaved = |text: &str| Fault::Problem(UpstreamProblem::Misbehaved(text.to_owned()));
        let now = time(self.ambient.now_ms());
        let leeway = TimeDelta::from_std(LEEWAY).unwrap_or_default();
        let client = provider.client(known);
        let verifier = client
            .id_token_verifier()
            .set_time_fn(move || now - leeway)
            // The token was made just now: one from another time shows that a clock is wrong.
            .set_issue_time_verifier_fn(move |issued| {
                if (issued - now).abs() <= leeway { Ok(()) } else { Err("clock skew".to_owned()) }
            })
            // Asked to prove anew who they are, people must not have done so long ago; a provider
            // that was asked (`max_age`) has to say when (OpenID Connect Core, section 2).
            .set_auth_time_verifier_fn(move |authenticated| match authenticated {
                Some(authenticated) if begun.again => {
                    let is_recent = authenticated + leeway >= time(begun.started_ms);
                    if is_recent { Ok(()) } else { Err("nobody was asked anew".to_owned()) }
                }
                None if begun.again => Err("auth_time is missing".to_owned()),
                _ => Ok(()),
            });
        let claims = id_token
            .claims(&verifier, &Nonce::new(begun.nonce.clone()))
            .map_err(Fault::from_verification)?;
        if let Some(expected) = claims.access_token_hash() {
            let actual = id_token.signing_alg().ok().and_then(|algorithm| {
                let key = id_token.signing_key(&verifier).ok()?;
                AccessTokenHash::from_token(access_token, algorithm, key).ok()
            });
            if actual.as_ref() != Some(expected) {
                return Err(misbehaved("the access token is not the one of the ID token"));
            }
        }
        match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => Ok(claims),
            _ => Err(misbehaved("the ID token has no claims")),
        }
    }
}

/// Why an ID token isn't accepted.
enum Fault {
    /// It may be good: the provider has other keys by now.
    UnknownKey,
    Problem(UpstreamProblem),
}

impl Fault {
    fn from_verification(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            ) => Self::UnknownKey,
            ClaimsVerificationError::Expired(_) => Self::Problem(UpstreamProblem::ClockSkew),
            error => Self::Problem(UpstreamProblem::Misbehaved(format!("the ID token: {error}"))),
        }
    }

    fn problem(self) -> UpstreamProblem {
        match self {
            Self::UnknownKey => {
                UpstreamProblem::Misbehaved("the ID token: its key is not known".to_owned())
            }
            Self::Problem(problem) => problem,
        }
    }
}

/// OpenID Connect Core, section 5.3: what the provider says of the person, as JSON or signed.
async fn user_info(
    provider: &Provider,
    known: &Discovered,
    endpoint: &UserInfoUrl,
    access_token: &AccessToken,
    subject: &Value,
) -> Result<Map<String, Value>, UpstreamProblem> {
    let misbehaved = |text: String| UpstreamProblem::Misbehaved(format!("userinfo: {text}"));
    let request = Request::get(endpoint.as_str())
        .header(header::ACCEPT, "application/json, application/jwt")
        .header(header::AUTHORIZATION, format!("Bearer {}", access_token.secret()))
        .body(bytes::Bytes::new())
        .map_err(|error| misbehaved(error.to_string()))?;
    let answer = provider.transport.0.send(request).await.map_err(unreachable)?;
    let status = answer.status();
    if status.is_server_error() {
        return Err(UpstreamProblem::Unreachable(format!("userinfo: it answers {status}")));
    }
    if !status.is_success() {
        return Err(misbehaved(format!("it answers {status}")));
    }
    let content_type = answer.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let claims: Map<String, Value> = if content_type.starts_with("application/jwt") {
        let token = std::str::from_utf8(answer.body())
            .map_err(|_| misbehaved(TokenFault::Malformed.to_string()))?;
        let claims = jwt::verified(token, known.metadata.jwks(), provider.secret.as_ref())
            .map_err(|fault| misbehaved(fault.to_string()))?;
        // Section 5.3.2: both should be there, and then they have to be right.
        if claims.get("iss").is_some_and(|issuer| issuer != provider.issuer().as_str()) {
            return Err(misbehaved("another issuer's".to_owned()));
        }
        if claims.contains_key("aud") && !jwt::is_for(&claims, &provider.config.client_id) {
            return Err(misbehaved("for another service".to_owned()));
        }
        claims
    } else {
        serde_json::from_slice(answer.body()).map_err(|error| misbehaved(error.to_string()))?
    };
    // Section 5.3.2: or it is about somebody else.
    if claims.get("sub") != Some(subject) {
        return Err(misbehaved("about somebody else".to_owned()));
    }
    Ok(claims)
}

fn time(ms: u64) -> DateTime<Utc> {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(ms).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn unreachable(error: OutboundError) -> UpstreamProblem {
    UpstreamProblem::Unreachable(error.to_string())
}

fn token_problem(
    error: &RequestTokenError<OutboundError, StandardErrorResponse<CoreErrorResponseType>>,
) -> UpstreamProblem {
    match error {
        RequestTokenError::Request(error) => UpstreamProblem::Unreachable(error.to_string()),
        // The code came too late, or a second time.
        RequestTokenError::ServerResponse(answer)
            if *answer.error() == CoreErrorResponseType::InvalidGrant =>
        {
            UpstreamProblem::Expired
        }
        RequestTokenError::ServerResponse(answer) => {
            UpstreamProblem::Misbehaved(format!("it refuses this server: {}", answer.error()))
        }
        error => UpstreamProblem::misbehaved(error),
    }
}
