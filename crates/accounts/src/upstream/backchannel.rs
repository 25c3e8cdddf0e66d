//! A provider says that a session there has ended
//! ([OpenID Connect Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html)).

use std::time::Duration;

use pli_store::{Batch, Expect};
use ruma::OwnedUserId;
use serde_json::{Map, Value};

use super::{
    Upstream, UpstreamProblem,
    claims::MAX_ID,
    jwt::{self, TokenFault},
    links::{LogoutRecord, UPSTREAM_LINKS, UPSTREAM_LOGOUTS, UPSTREAM_SESSIONS},
    provider::{LEEWAY, Provider},
};
use crate::AccountsError;

/// What makes a token a logout token (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// For how long a logout token without `exp` is good.
const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// The longest logout token, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// Whose session ended, and which.
struct Ended {
    subject: Option<String>,
    sid: Option<String>,
    jti: String,
    expires_ms: u64,
}

/// What came of a logout token.
struct Obeyed {
    /// Whose session ended, if somebody came with it.
    user_id: Option<OwnedUserId>,
    is_first_time: bool,
}

impl Upstream {
    /// Ends what came of a session at a provider: the sessions of browsers on this server's own
    /// pages, and the tokens of apps. The apps keep their keys, so that whoever signs in again on
    /// the same device can read everything.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] without such a provider, [`AccountsError::Upstream`] if the token
    /// isn't acceptable; when the store fails.
    pub async fn end_session(&self, id: &str, logout_token: &str) -> Result<(), AccountsError> {
        let provider = self.provider(id)?;
        let claims = self.logout_claims(provider, logout_token).await?;
        let ended = self.check(provider, &claims)?;
        let issuer = provider.issuer().as_str();
        let obeyed = retry_on_conflict!(self.try_end(issuer, &ended).await)?;
        if let Some(user_id) = &obeyed.user_id {
            tracing::info!(%user_id, provider = id, "a session ended at the sign-in service");
            // Also for a token that was obeyed before: this server may have gone down between the two.
            // Whoever signed in since then stays.
            self.sessions.end_outlived(user_id).await?;
        }
        // Section 2.6: a token is obeyed once.
        if !obeyed.is_first_time {
            return Err(refused("it was used already"));
        }
        Ok(())
    }

    async fn logout_claims(
        &self,
        provider: &Provider,
        logout_token: &str,
    ) -> Result<Map<String, Value>, AccountsError> {
        if logout_token.len() > MAX_TOKEN {
            return Err(refused("it is too long"));
        }
        // Whatever a stranger sends must not make this server ask the provider for its keys.
        match jwt::names_issuer(logout_token, provider.issuer().as_str()) {
            Ok(true) => {}
            Ok(false) => return Err(refused("iss is another issuer's")),
            Err(fault) => return Err(refused(&fault.to_string())),
        }
        let known = provider.discovered().await?;
        let secret = provider.secret.as_ref();
        let mut verified = jwt::verified(logout_token, known.metadata.jwks(), secret);
        if matches!(verified, Err(TokenFault::UnknownKey)) {
            let known = provider.discovered_anew_for_strangers(&known).await?;
            verified = jwt::verified(logout_token, known.metadata.jwks(), secret);
        }
        verified.map_err(|fault| refused(&fault.to_string()))
    }

    /// Section 2.6: whether this is a logout token for this server, and from now.
    fn check(
        &self,
        provider: &Provider,
        claims: &Map<String, Value>,
    ) -> Result<Ended, AccountsError> {
        let now_ms = self.ambient.now_ms();
        let leeway_ms = ms(LEEWAY);
        if claims.get("iss").and_then(Value::as_str) != Some(provider.issuer().as_str()) {
            return Err(refused("iss is another issuer's"));
        }
        if !jwt::is_for(claims, &provider.config.client_id) {
            return Err(refused("aud is another service's"));
        }
        let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
        let issued_ms = seconds("iat").map(to_ms).ok_or_else(|| refused("iat is missing"))?;
        if issued_ms > now_ms.saturating_add(leeway_ms) {
            return Err(refused("iat is in the future"));
        }
        let expires_ms = match claims.contains_key("exp") {
            true => seconds("exp").map(to_ms).ok_or_else(|| refused("exp is no time"))?,
            false => issued_ms.saturating_add(ms(LIFETIME)),
        };
        let expires_ms = expires_ms.saturating_add(leeway_ms);
        if expires_ms <= now_ms {
            return Err(refused("it has expired"));
        }
        // So that no ID token passes for one, nor the other way round.
        if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object)
        {
            return Err(refused("events doesn't say that it is one"));
        }
        if claims.contains_key("nonce") {
            return Err(refused("it has a nonce"));
        }
        let id = |name: &str| match claims.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_ID => {
                Ok(Some(text.clone()))
            }
            Some(_) => Err(refused(&format!("{name} can't be that"))),
        };
        let (subject, sid) = (id("sub")?, id("sid")?);
        if subject.is_none() && sid.is_none() {
            return Err(refused("sub and sid are missing"));
        }
        let jti = id("jti")?.ok_or_else(|| refused("jti is missing"))?;
        Ok(Ended { subject, sid, jti, expires_ms })
    }

    /// Notes that the session ended, unless the token was obeyed before.
    async fn try_end(&self, issuer: &str, ended: &Ended) -> Result<Obeyed, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        let token_key = (issuer, ended.jti.as_str());
        if let Some(obeyed) = snapshot.get(&UPSTREAM_LOGOUTS, token_key).await? {
            return Ok(Obeyed { user_id: obeyed.user_id, is_first_time: false });
        }
        let user_id = match (&ended.sid, &ended.subject) {
            (Some(sid), subject) => {
                let key = (issuer, sid.as_str());
                let found = snapshot.get_versioned(&UPSTREAM_SESSIONS, key).await?;
                let found = found.filter(|(session, _)| {
                    subject.as_ref().is_none_or(|subject| *subject == session.subject)
                });
                found.map(|(mut session, version)| {
                    session.ended = true;
                    batch.require(&UPSTREAM_SESSIONS, key, Expect::Version(version)).put(
                        &UPSTREAM_SESSIONS,
                        key,
                        &session,
                    );
                    session.user_id
                })
            }
            // Without a session, all of the person's.
            (None, Some(subject)) => {
                let key = (issuer, subject.as_str());
                let found = snapshot.get_versioned(&UPSTREAM_LINKS, key).await?;
                found.map(|(mut link, version)| {
                    link.generation = link.generation.saturating_add(1);
                    batch.require(&UPSTREAM_LINKS, key, Expect::Version(version)).put(
                        &UPSTREAM_LINKS,
                        key,
                        &link,
                    );
                    link.user_id
                })
            }
            (None, None) => None,
        };
        drop(snapshot);
        let obeyed = LogoutRecord { expires_ms: ended.expires_ms, user_id };
        batch.require(&UPSTREAM_LOGOUTS, token_key, Expect::Absent).put(
            &UPSTREAM_LOGOUTS,
            token_key,
            &obeyed,
        );
        self.store.commit(batch).await?;
        Ok(Obeyed { user_id: obeyed.user_id, is_first_time: true })
    }
}

fn refused(what: &str) -> AccountsError {
    AccountsError::Upstream(UpstreamProblem::LogoutToken(what.to_owned()))
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since the Unix epoch as they stand in tokens; what can't be a time is long ago.
fn to_ms(seconds: f64) -> u64 {
    Duration::try_from_secs_f64(seconds).map_or(0, ms)
}
