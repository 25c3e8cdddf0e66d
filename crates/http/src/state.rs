//! What handlers can ask for.

use std::sync::Arc;

use axum::extract::FromRef;
use pli_accounts::{
    AccountData, Accounts, Credentials, Devices, EmailValidation, Emails, Filters, Login, Profiles,
    Registration, Sessions, SharedSecretRegistration, UserDirectory, UserInteractive,
    backup::KeyBackup,
    keys::{CrossSigning, DeviceKeys},
    oauth::{BrowserSessions, Clients, Grants, Rendezvous},
    to_device::ToDevice,
};
use pli_appservice::AppServices;
use pli_media::Media;
use pli_push::PushRules;
use pli_rooms::{Rooms, Typing};
use pli_store::{Store, ambient::Ambient};
use pli_sync::Sync;

use crate::{
    layer::{drain::Drain, rate_limit::RateLimiter},
    oauth::UpstreamProviders,
};

/// The services, each of which a handler takes by itself: `State(sessions): State<Sessions>`.
///
/// No handler takes the whole. It is cloned several times for each request, so all of it is behind
/// one pointer.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

impl From<Services> for AppState {
    fn from(services: Services) -> Self {
        Self(Arc::new(services))
    }
}

impl AppState {
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

macro_rules! services {
    ($($name:ident: $service:ty,)*) => {
        /// What an [`AppState`] is made of.
        #[expect(missing_docs, reason = "each field is the service of that name")]
        pub struct Services {
            $(pub $name: $service,)*
        }

        $(impl FromRef<AppState> for $service {
            fn from_ref(state: &AppState) -> Self {
                state.0.$name.clone()
            }
        })*
    };
}

services! {
    account_data: AccountData,
    accounts: Accounts,
    ambient: Ambient,
    app_services: AppServices,
    browser_sessions: BrowserSessions,
    clients: Clients,
    credentials: Credentials,
    cross_signing: CrossSigning,
    device_keys: DeviceKeys,
    devices: Devices,
    directory: UserDirectory,
    drain: Drain,
    email_validation: EmailValidation,
    emails: Emails,
    filters: Filters,
    grants: Grants,
    key_backup: KeyBackup,
    login: Login,
    media: Media,
    profiles: Profiles,
    push_rules: PushRules,
    rate_limiter: RateLimiter,
    registration: Registration,
    rendezvous: Rendezvous,
    rooms: Rooms,
    sessions: Sessions,
    settings: Settings,
    shared_secret: SharedSecretRegistration,
    store: Store,
    sync: Sync,
    to_device: ToDevice,
    typing: Typing,
    upstream_providers: UpstreamProviders,
    user_interactive: UserInteractive,
}

/// What the edge itself is configured with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The public address, as clients are told it.
    pub public_url: url::Url,
    /// The domain of user ids.
    pub server_name: ruma::OwnedServerName,
    /// The version of rooms that don't ask for one.
    pub default_room_version: ruma::RoomVersionId,
    /// How apps sign people in through the browser.
    pub oauth: pli_accounts::OAuthConfig,
    /// How people sign up.
    pub registration: pli_accounts::RegistrationMode,
}
