//! Authorisation codes: what a browser carries from here to the app, once, soon.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use pli_store::{Batch, Expect, Keyspace, Record};
use ruma::OwnedUserId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    BrowserSession, CheckedRequest, GrantedTokens, Grants, OAuthErrorCode, Scope,
    clients::{client_at, stage_use},
};
use crate::{
    Accounts, AccountsError,
    sessions::SessionSource,
    token::{self, TokenHash, TokenKind},
    upstream::UpstreamOrigin,
};

/// hash of a code → what it stands for.
pub(crate) const OAUTH_CODES: Keyspace<TokenHash, CodeRecord> = Keyspace::new("oauth_codes");

/// How long a code is valid: the app is waiting for it.
pub const CODE_LIFETIME: Duration = Duration::from_secs(2 * 60);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CodeRecord {
    client_id: String,
    user_id: OwnedUserId,
    scope: Scope,
    redirect_uri: String,
    code_challenge: String,
    pub(crate) expires_ms: u64,
    /// It was presented. Whoever does so again shows that it was stolen.
    used: bool,
    /// The session at a provider with which its owner came.
    #[serde(default)]
    origin: Option<UpstreamOrigin>,
}

impl Record for CodeRecord {}

/// What an app presents to get tokens for a code.
#[derive(Clone, Copy, Debug)]
pub struct CodeExchange<'a> {
    /// Who the app is.
    pub client_id: &'a str,
    /// The code.
    pub code: &'a str,
    /// The redirect URI of the authorisation request.
    pub redirect_uri: &'a str,
    /// The secret whose hash was in the authorisation request.
    pub code_verifier: &'a str,
}

impl Grants {
    /// Somebody who is signed in said yes to an app: a code for it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn allow(
        &self,
        request: &CheckedRequest,
        session: &BrowserSession,
    ) -> Result<String, AccountsError> {
        let code = token::generate(&self.ambient, TokenKind::AuthorisationCode);
        let lifetime_ms = u64::try_from(CODE_LIFETIME.as_millis()).unwrap_or(u64::MAX);
        let record = CodeRecord {
            client_id: request.client.client_id.clone(),
            user_id: session.user_id.clone(),
            scope: request.scope.clone(),
            redirect_uri: request.redirect_uri.clone(),
            code_challenge: request.code_challenge.clone(),
            expires_ms: self.ambient.now_ms().saturating_add(lifetime_ms),
            used: false,
            origin: session.origin.clone(),
        };
        let mut batch = Batch::new();
        batch.put(&OAUTH_CODES, token::hash(&code), &record);
        self.store.commit(batch).await?;
        Ok(code)
    }

    /// Exchanges a code for tokens, once.
    ///
    /// A code that is presented twice was stolen, by the first or by the second: the tokens that
    /// came of it die (RFC 6749, section 4.1.2).
    ///
    /// # Errors
    /// `invalid_client`, `invalid_grant`; when the store fails.
    pub async fn exchange_code(
        &self,
        exchange: CodeExchange<'_>,
    ) -> Result<GrantedTokens, AccountsError> {
        retry_on_conflict!(self.try_exchange_code(exchange).await)
    }

    async fn try_exchange_code(
        &self,
        exchange: CodeExchange<'_>,
    ) -> Result<GrantedTokens, AccountsError> {
        let invalid = |description: &'static str| {
            AccountsError::oauth(OAuthErrorCode::InvalidGrant, description)
        };
        let hash = token::hash(exchange.code);
        let snapshot = self.store.snapshot().await?;
        let client = client_at(&snapshot, exchange.client_id).await?;
        let (code, version) = snapshot
            .get_versioned(&OAUTH_CODES, hash)
            .await?
            .filter(|(code, _)| code.client_id == exchange.client_id)
            .ok_or_else(|| invalid("the code is not known: start again"))?;

        let mut batch = Batch::new();
        if code.used {
            let (user_id, device_id) = (&code.user_id, &code.scope.device_id);
            let revoked =
                self.sessions.stage_death(&snapshot, &mut batch, user_id, device_id).await?;
            drop(snapshot);
            if !batch.is_empty() {
                self.store.commit(batch).await?;
                self.sessions.forget(revoked);
            }
            tracing::warn!(%user_id, %device_id, "a code was used twice: its tokens are revoked");
            return Err(invalid("the code has been used already: start again"));
        }
        // From here on the code is gone, whatever else is wrong: nobody tries twice.
        let now_ms = self.ambient.now_ms();
        batch.require(&OAUTH_CODES, hash, Expect::Version(version));
        let problem = if code.expires_ms <= now_ms {
            Some("the code has expired: start again")
        } else if code.redirect_uri != exchange.redirect_uri {
            Some("redirect_uri is not the one that the code was sent to")
        } else if !fits(exchange.code_verifier, &code.code_challenge) {
            Some("code_verifier does not fit the code_challenge")
        } else if !Accounts::is_active_at(&snapshot, &code.user_id).await? {
            Some("the account is not there any more")
        } else {
            None
        };
        if let Some(problem) = problem {
            drop(snapshot);
            batch.delete(&OAUTH_CODES, hash);
            self.store.commit(batch).await?;
            return Err(invalid(problem));
        }
        batch.put(&OAUTH_CODES, hash, &CodeRecord { used: true, ..code.clone() });
        let name = client.0.metadata.name(crate::Language::English).to_owned();
        stage_use(&mut batch, exchange.client_id, client, now_ms);
        let source =
            SessionSource { client_id: Some(exchange.client_id), origin: code.origin.as_ref() };
        self.open(snapshot, batch, &code.user_id, source, name, code.scope).await
    }
}

/// Whether a secret is the one whose hash the client sent before (RFC 7636, section 4.6).
fn fits(verifier: &str, challenge: &str) -> bool {
    // Section 4.1: 43 to 128 characters.
    if !(43..=128).contains(&verifier.len()) {
        return false;
    }
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    hash.as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::fits;

    /// The example of RFC 7636, appendix B.
    #[test]
    fn only_the_app_that_asked_gets_the_tokens() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(fits("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        assert!(!fits("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge));
        assert!(!fits("", challenge));
        assert!(!fits(challenge, challenge));
    }
}
