use std::{sync::Arc, time::Duration};

use pli_store::{Store, ambient::Ambient};
use url::Url;

use super::{UpstreamConfig, provider::Provider};
use crate::{
    Accounts, AccountsError, Emails, Registration, RegistrationConfig, Sessions, UserDirectory,
    oauth::Budget,
};

/// How long somebody can take to sign in at a provider.
pub(super) const STATE_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How many can be doing so at once.
const MAX_STARTED: u32 = 50_000;

/// The providers at which people can sign in. Cheap to clone.
#[derive(Clone)]
pub struct Upstream {
    pub(super) store: Store,
    pub(super) ambient: Ambient,
    pub(super) registration_config: Arc<RegistrationConfig>,
    pub(super) accounts: Accounts,
    pub(super) registration: Registration,
    pub(super) emails: Emails,
    pub(super) directory: UserDirectory,
    pub(super) sessions: Sessions,
    pub(super) started: Budget,
    providers: Arc<[Provider]>,
}

/// What [`Upstream`] works with.
pub struct UpstreamParts<'a> {
    /// The store.
    pub store: Store,
    /// The clock and randomness.
    pub ambient: Ambient,
    /// The providers.
    pub providers: Vec<UpstreamConfig>,
    /// Where providers send people back to.
    pub public_url: &'a Url,
    /// Whose addresses can be used here, and what their organisations are called.
    pub registration_config: Arc<RegistrationConfig>,
    /// The accounts.
    pub accounts: Accounts,
    /// What finds free user ids.
    pub registration: Registration,
    /// The addresses of accounts.
    pub emails: Emails,
    /// Where others find people.
    pub directory: UserDirectory,
    /// What ends with a provider's session.
    pub sessions: Sessions,
}

impl Upstream {
    /// # Errors
    /// [`AccountsError::Configuration`] if a provider's secret or certificates can't be read.
    pub fn new(parts: UpstreamParts<'_>) -> Result<Self, AccountsError> {
        let UpstreamParts {
            store,
            ambient,
            providers,
            public_url,
            registration_config,
            accounts,
            registration,
            emails,
            directory,
            sessions,
        } = parts;
        let providers = providers
            .into_iter()
            .map(|config| Provider::new(config, public_url, ambient.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            store,
            ambient,
            registration_config,
            accounts,
            registration,
            emails,
            directory,
            sessions,
            started: Budget::new(MAX_STARTED, STATE_LIFETIME),
            providers,
        })
    }

    /// The providers' ids and names, in the order of the configuration.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &str)> {
        let configs = self.providers.iter().map(|provider| &provider.config);
        configs.map(|config| (config.id.as_str(), config.name.as_str()))
    }

    pub(super) fn provider(&self, id: &str) -> Result<&Provider, AccountsError> {
        self.providers
            .iter()
            .find(|provider| provider.config.id == id)
            .ok_or_else(|| AccountsError::not_found("there is no such sign-in service"))
    }
}
