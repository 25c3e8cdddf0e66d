use std::{collections::BTreeMap, sync::Arc, time::Duration};

use openidconnect::{
    AdditionalClaims, AuthType, Client, ClientId, ClientSecret, DiscoveryError,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IdTokenFields,
    IssuerUrl, RedirectUrl, StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use pli_outbound::{Outbound, OutboundConfig, OutboundError, Reach};
use pli_store::ambient::Ambient;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{
    UpstreamConfig, UpstreamProblem, config::TokenEndpointAuthMethod, transport::Transport,
};
use crate::AccountsError;

/// For how long what a provider says of itself is good.
const METADATA_LIFETIME: Duration = Duration::from_secs(60 * 60);
/// For how long a provider that could not be asked is not asked again.
const FAILURE_MEMORY: Duration = Duration::from_secs(30);
/// How often strangers can make this server ask a provider for its keys.
const KEYS_INTERVAL: Duration = Duration::from_secs(60);
/// How far the clocks of a provider and of this server may be apart.
pub(super) const LEEWAY: Duration = Duration::from_secs(5 * 60);

/// All claims of an ID token that OpenID Connect doesn't name.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct OtherClaims(BTreeMap<String, Value>);

impl AdditionalClaims for OtherClaims {}

pub(super) type ProviderIdToken = IdToken<
    OtherClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type ProviderTokens = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// This server as a client of a provider.
pub(super) type ProviderClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    ProviderTokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider and what is known of it.
pub(super) struct Provider {
    pub(super) config: UpstreamConfig,
    pub(super) secret: Option<ClientSecret>,
    pub(super) transport: Transport,
    redirect: RedirectUrl,
    ambient: Ambient,
    discovery: Mutex<Discovery>,
}

/// What came of asking a provider what it is.
#[derive(Default)]
struct Discovery {
    known: Option<Arc<Discovered>>,
    /// Why that failed last, and when, if nothing came of it since.
    failed: Option<(UpstreamProblem, u64)>,
}

/// What a provider says of itself, its keys included.
pub(super) struct Discovered {
    pub(super) metadata: CoreProviderMetadata,
    fetched_ms: u64,
}

impl Provider {
    /// # Errors
    /// [`AccountsError::Configuration`] if a file can't be read or used.
    pub(super) fn new(
        config: UpstreamConfig,
        public_url: &Url,
        ambient: Ambient,
    ) -> Result<Self, AccountsError> {
        let id = &config.id;
        let path = format!("/oauth2/upstream/{id}/callback");
        let address = format!("{}{path}", public_url.as_str().trim_end_matches('/'));
        let redirect = RedirectUrl::new(address)
            .map_err(|error| AccountsError::Configuration(format!("public_url: {error}")))?;
        // People wait for it.
        let outbound = Outbound::new(&OutboundConfig {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(15),
            extra_ca: config.certificates().map_err(AccountsError::Configuration)?,
            ..OutboundConfig::new(match config.allow_private_addresses {
                true => Reach::Anywhere,
                false => Reach::Public,
            })
        });
        let outbound = outbound
            .map_err(|error| AccountsError::Configuration(format!("upstream {id}: {error}")))?;
        Ok(Self {
            secret: config.secret().map_err(AccountsError::Configuration)?,
            transport: Transport(outbound),
            redirect,
            ambient,
            discovery: Mutex::default(),
            config,
        })
    }

    pub(super) fn issuer(&self) -> &IssuerUrl {
        &self.config.issuer
    }

    /// What the provider says of itself: remembered for an hour, and longer while it is away.
    pub(super) async fn discovered(&self) -> Result<Arc<Discovered>, AccountsError> {
        let mut discovery = self.discovery.lock().await;
        let known = discovery.known.clone();
        match known {
            Some(known) if self.age(known.fetched_ms) < METADATA_LIFETIME => Ok(known),
            Some(old) => Ok(self.discover(&mut discovery).await.unwrap_or(old)),
            None => self.discover(&mut discovery).await,
        }
    }

    /// The same anew, after a signature by a key that isn't known: providers change their keys.
    pub(super) async fn discovered_anew(
        &self,
        known: &Arc<Discovered>,
    ) -> Result<Arc<Discovered>, AccountsError> {
        let mut discovery = self.discovery.lock().await;
        // Somebody else has asked meanwhile.
        if let Some(newer) = discovery.known.as_ref().filter(|newer| !Arc::ptr_eq(newer, known)) {
            return Ok(Arc::clone(newer));
        }
        self.discover(&mut discovery).await
    }

    /// The same as [`Self::discovered_anew`] for signatures that strangers can send: once a minute.
    pub(super) async fn discovered_anew_for_strangers(
        &self,
        known: &Arc<Discovered>,
    ) -> Result<Arc<Discovered>, AccountsError> {
        if self.age(known.fetched_ms) < KEYS_INTERVAL {
            return Ok(Arc::clone(known));
        }
        self.discovered_anew(known).await
    }

    fn age(&self, since_ms: u64) -> Duration {
        Duration::from_millis(self.ambient.now_ms().saturating_sub(since_ms))
    }

    /// Asks the provider, unless that failed just now: whoever waited for the same answer, and whoever
    /// comes next, would wait as long for nothing.
    async fn discover(&self, discovery: &mut Discovery) -> Result<Arc<Discovered>, AccountsError> {
        if let Some((problem, failed_ms)) = &discovery.failed
            && self.age(*failed_ms) < FAILURE_MEMORY
        {
            return Err(problem.clone().into());
        }
        let issuer = self.issuer().clone();
        match CoreProviderMetadata::discover_async(issuer, &self.transport).await {
            Ok(metadata) => {
                let fresh = Arc::new(Discovered { metadata, fetched_ms: self.ambient.now_ms() });
                discovery.known = Some(Arc::clone(&fresh));
                discovery.failed = None;
                Ok(fresh)
            }
            Err(error) => {
                let problem = discovery_problem(&error);
                discovery.failed = Some((problem.clone(), self.ambient.now_ms()));
                Err(self.report(problem))
            }
        }
    }

    /// Tells the operator of what people can do nothing about.
    pub(super) fn report(&self, problem: UpstreamProblem) -> AccountsError {
        let provider = &self.config.id;
        match &problem {
            UpstreamProblem::Unreachable(_)
            | UpstreamProblem::Misbehaved(_)
            | UpstreamProblem::ClockSkew => {
                tracing::warn!(%provider, %problem, "a sign-in elsewhere failed");
            }
            _ => tracing::info!(%provider, %problem, "a sign-in elsewhere was refused"),
        }
        problem.into()
    }

    /// This server as the provider's client.
    pub(super) fn client(&self, known: &Discovered) -> ProviderClient {
        let client = ProviderClient::from_provider_metadata(
            known.metadata.clone(),
            ClientId::new(self.config.client_id.clone()),
            self.secret.clone(),
        );
        client.set_redirect_uri(self.redirect.clone()).set_auth_type(self.auth_type(known))
    }

    /// How the provider wants this server to show its secret (OpenID Connect Discovery, section 3:
    /// `client_secret_basic` unless it says otherwise).
    fn auth_type(&self, known: &Discovered) -> AuthType {
        match self.config.token_endpoint_auth_method {
            Some(TokenEndpointAuthMethod::ClientSecretBasic) => return AuthType::BasicAuth,
            Some(TokenEndpointAuthMethod::ClientSecretPost) => return AuthType::RequestBody,
            None => {}
        }
        let methods = known.metadata.token_endpoint_auth_methods_supported();
        let takes =
            |method: CoreClientAuthMethod| methods.is_some_and(|methods| methods.contains(&method));
        let only_in_body = !takes(CoreClientAuthMethod::ClientSecretBasic)
            && takes(CoreClientAuthMethod::ClientSecretPost);
        if only_in_body { AuthType::RequestBody } else { AuthType::BasicAuth }
    }
}

fn discovery_problem(error: &DiscoveryError<OutboundError>) -> UpstreamProblem {
    match error {
        DiscoveryError::Request(error) => UpstreamProblem::Unreachable(error.to_string()),
        DiscoveryError::Response(status, ..) if status.is_server_error() => {
            UpstreamProblem::Unreachable(format!("it answers {status}"))
        }
        DiscoveryError::Parse(error) => {
            UpstreamProblem::Misbehaved(format!("what it says of itself: {error}"))
        }
        error => UpstreamProblem::misbehaved(error),
    }
}
