//! Authorisation requests (client-server API, section "Authorisation code flow"): what an app asks
//! for when it sends somebody's browser here.

use url::Url;

use super::{AUTHORIZATION_CODE, Client, Clients, OAuthErrorCode, OAuthProblem, Scope};
use crate::AccountsError;

/// The longest `state`, in bytes.
const MAX_STATE: usize = 4_096;

/// An authorisation request as it comes.
#[derive(Clone, Debug, Default)]
pub struct AuthorisationRequest<'a> {
    /// `client_id`
    pub client_id: Option<&'a str>,
    /// `redirect_uri`
    pub redirect_uri: Option<&'a str>,
    /// `response_type`
    pub response_type: Option<&'a str>,
    /// `response_mode`
    pub response_mode: Option<&'a str>,
    /// `scope`
    pub scope: Option<&'a str>,
    /// `state`
    pub state: Option<&'a str>,
    /// `code_challenge`
    pub code_challenge: Option<&'a str>,
    /// `code_challenge_method`
    pub code_challenge_method: Option<&'a str>,
}

/// Where in the redirect URI an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// Into the query.
    Query,
    /// Into the fragment, which no server sees.
    Fragment,
}

/// Where a browser goes back to: a registered redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    uri: Url,
    mode: ResponseMode,
    state: Option<String>,
}

/// A request that can be put before a person.
#[derive(Clone, Debug)]
pub struct CheckedRequest {
    /// Who asks.
    pub client: Client,
    /// What for.
    pub scope: Scope,
    /// Where the answer goes.
    pub redirect: Redirect,
    /// The redirect URI as it was given.
    pub(super) redirect_uri: String,
    /// The hash of a secret of the client's (RFC 7636).
    pub(super) code_challenge: String,
}

/// Why a request can't be put before anybody.
#[derive(Debug)]
pub enum Refusal {
    /// It isn't certain who asks: the person is told, and the browser sent nowhere.
    Here(AccountsError),
    /// The client is to hear of it.
    There(Box<Redirect>, OAuthProblem),
}

impl From<AccountsError> for Refusal {
    fn from(error: AccountsError) -> Self {
        Self::Here(error)
    }
}

impl Redirect {
    /// The address that gives a client its code.
    #[must_use]
    pub fn with_code(&self, code: &str) -> Url {
        self.with(&[("code", code)])
    }

    /// The address that tells a client what went wrong.
    #[must_use]
    pub fn with_problem(&self, problem: &OAuthProblem) -> Url {
        let description = problem.description.as_ref();
        self.with(&[("error", problem.code.as_str()), ("error_description", description)])
    }

    /// The registered address, without an answer.
    #[must_use]
    pub fn uri(&self) -> &Url {
        &self.uri
    }

    fn with(&self, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.uri.clone();
        let state = self.state.as_deref().map(|state| ("state", state));
        let pairs = state.into_iter().chain(parameters.iter().copied());
        match self.mode {
            ResponseMode::Query => {
                url.query_pairs_mut().extend_pairs(pairs);
            }
            ResponseMode::Fragment => {
                let mut fragment = url::form_urlencoded::Serializer::new(String::new());
                url.set_fragment(Some(&fragment.extend_pairs(pairs).finish()));
            }
        }
        url
    }
}

impl Clients {
    /// Checks an authorisation request.
    ///
    /// # Errors
    /// [`Refusal::Here`] while it isn't certain that the browser can be sent back,
    /// [`Refusal::There`] from then on; when the store fails.
    pub async fn check(
        &self,
        request: &AuthorisationRequest<'_>,
    ) -> Result<CheckedRequest, Refusal> {
        let here = |description: &'static str| {
            Refusal::Here(AccountsError::oauth(OAuthErrorCode::InvalidRequest, description))
        };
        let client_id = request.client_id.ok_or_else(|| here("client_id is missing"))?;
        let client = self.get(client_id).await?;
        let redirect_uri = request.redirect_uri.ok_or_else(|| here("redirect_uri is missing"))?;
        // The browser goes only where the client said beforehand: or anybody could have it sent
        // anywhere, with somebody's code.
        if !client.metadata.has_redirect_uri(redirect_uri) {
            return Err(here("redirect_uri is none of those that the client registered"));
        }
        let uri = Url::parse(redirect_uri).map_err(|_| here("redirect_uri is not a URI"))?;
        let state = request.state.map(str::to_owned);
        if state.as_ref().is_some_and(|state| state.len() > MAX_STATE) {
            return Err(here("state is too long"));
        }
        let mode = match request.response_mode {
            None | Some("query") => Some(ResponseMode::Query),
            Some("fragment") => Some(ResponseMode::Fragment),
            Some(_) => None,
        };
        let redirect = Redirect { uri, mode: mode.unwrap_or(ResponseMode::Query), state };

        let there = |code, description: &'static str| {
            let problem = OAuthProblem { code, description: description.into() };
            Refusal::There(Box::new(redirect.clone()), problem)
        };
        if mode.is_none() {
            let description = "response_mode is query or fragment";
            return Err(there(OAuthErrorCode::InvalidRequest, description));
        }
        if request.response_type != Some("code") {
            let description = "response_type has to be code";
            return Err(there(OAuthErrorCode::UnsupportedResponseType, description));
        }
        if !client.metadata.uses(AUTHORIZATION_CODE) {
            let description = "the client did not register for authorization_code";
            return Err(there(OAuthErrorCode::UnauthorizedClient, description));
        }
        // PKCE, and only in the way that doesn't send the secret itself.
        if request.code_challenge_method != Some("S256") {
            let description = "code_challenge_method has to be S256";
            return Err(there(OAuthErrorCode::InvalidRequest, description));
        }
        let code_challenge = request.code_challenge.filter(|challenge| is_challenge(challenge));
        let Some(code_challenge) = code_challenge else {
            let description = "code_challenge has to be a SHA-256 hash in base64url";
            return Err(there(OAuthErrorCode::InvalidRequest, description));
        };
        let scope = match Scope::parse(request.scope.unwrap_or_default()) {
            Ok(scope) => scope,
            Err(AccountsError::OAuth(problem)) => {
                return Err(Refusal::There(Box::new(redirect), problem));
            }
            Err(error) => return Err(Refusal::Here(error)),
        };
        Ok(CheckedRequest {
            client,
            scope,
            redirect_uri: redirect_uri.to_owned(),
            code_challenge: code_challenge.to_owned(),
            redirect,
        })
    }
}

/// Whether a text can be the SHA-256 of anything, in base64url without padding.
fn is_challenge(text: &str) -> bool {
    text.len() == 43
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_goes_where_the_client_wants_it() {
        let redirect = |uri: &str, mode| Redirect {
            uri: Url::parse(uri).unwrap(),
            mode,
            state: Some("a b&c".to_owned()),
        };
        let cases = [
            (
                "https://example.com/?x=1",
                ResponseMode::Query,
                "https://example.com/?x=1&state=a+b%26c&code=C",
            ),
            (
                "https://example.com/",
                ResponseMode::Fragment,
                "https://example.com/#state=a+b%26c&code=C",
            ),
            (
                "com.example.app:/callback",
                ResponseMode::Query,
                "com.example.app:/callback?state=a+b%26c&code=C",
            ),
            (
                "com.example:callback",
                ResponseMode::Fragment,
                "com.example:callback#state=a+b%26c&code=C",
            ),
        ];
        for (uri, mode, expected) in cases {
            assert_eq!(redirect(uri, mode).with_code("C").as_str(), expected);
        }
    }
}
