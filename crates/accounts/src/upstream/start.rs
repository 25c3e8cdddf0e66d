use std::time::Duration;

use openidconnect::{
    AuthenticationContextClass, CsrfToken, LanguageTag, LoginHint, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, Scope,
    core::{CoreAuthPrompt, CoreAuthenticationFlow},
};
use pli_store::Batch;
use url::Url;

use super::{
    Upstream,
    links::{StateRecord, UPSTREAM_STATES},
    service::STATE_LIFETIME,
};
use crate::{
    AccountsError, Language,
    accounts::Email,
    token::{self, TokenHash, TokenKind},
};

/// How many random characters the nonce and the PKCE secret have.
const SECRET_LENGTH: usize = 64;

/// What is known of a sign-in when it begins.
#[derive(Clone, Copy, Debug)]
pub struct StartRequest<'a> {
    /// A secret of the browser, so that only the same one can end the sign-in.
    pub browser: &'a str,
    /// Where to go on afterwards.
    pub next: &'a str,
    /// Who it probably is. Passed on if it is an e-mail address.
    pub login_hint: Option<&'a str>,
    /// Whether they have to prove anew who they are.
    pub again: bool,
    /// Which language they prefer.
    pub language: Language,
}

impl Upstream {
    /// Begins a sign-in: the address to which the browser goes.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] without such a provider; [`AccountsError::Upstream`] if it can't
    /// be reached; [`AccountsError::LimitExceeded`] if too many people are signing in; when the
    /// store fails.
    pub async fn start(&self, id: &str, request: StartRequest<'_>) -> Result<Url, AccountsError> {
        let provider = self.provider(id)?;
        let known = provider.discovered().await?;
        let now_ms = self.ambient.now_ms();
        self.started.take(now_ms)?;

        let state = token::generate(&self.ambient, TokenKind::UpstreamState);
        let nonce = self.ambient.random_string(SECRET_LENGTH);
        let code_verifier = PkceCodeVerifier::new(self.ambient.random_string(SECRET_LENGTH));
        let lifetime_ms = u64::try_from(STATE_LIFETIME.as_millis()).unwrap_or(u64::MAX);
        let record = StateRecord {
            provider: id.to_owned(),
            browser: browser_hash(request.browser),
            nonce: nonce.clone(),
            code_verifier: code_verifier.secret().clone(),
            next: request.next.to_owned(),
            again: request.again,
            started_ms: now_ms,
            expires_ms: now_ms.saturating_add(lifetime_ms),
        };
        let mut batch = Batch::new();
        batch.put(&UPSTREAM_STATES, token::hash(&state), &record);
        self.store.commit(batch).await?;

        let client = provider.client(&known);
        let scopes = provider.config.scopes.iter().filter(|scope| *scope != "openid");
        let mut url = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&code_verifier))
            .add_scopes(scopes.map(|scope| Scope::new(scope.clone())))
            .add_ui_locale(LanguageTag::new(request.language.tag().to_owned()));
        // A user id of this server means nothing to the provider.
        if let Some(hint) = request.login_hint.and_then(|hint| Email::parse(hint).ok()) {
            url = url.set_login_hint(LoginHint::new(hint.as_str().to_owned()));
        }
        for value in &provider.config.acr_values {
            url = url.add_auth_context_value(AuthenticationContextClass::new(value.clone()));
        }
        if request.again {
            // Not every provider heeds `prompt`; with `max_age` it has to say when the person proved
            // who they are (OpenID Connect Core, section 3.1.2.1).
            url = url.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
        Ok(url.url().0)
    }
}

/// What is kept of a browser's secret.
pub(super) fn browser_hash(secret: &str) -> TokenHash {
    token::hash_parts([b"upstream sign-in".as_slice(), secret.as_bytes()])
}
