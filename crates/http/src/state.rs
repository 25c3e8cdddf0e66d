//! What handlers can ask for.

use std::{sync::Arc, time::Duration};

use axum::extract::FromRef;
use pli_accounts::{
    AccountData, Accounts, Credentials, DehydratedDevices, Devices, EmailValidation, Emails,
    Filters, Login, Moderation, OpenIdTokens, Profiles, Registration, Reports, Sessions,
    SharedSecretRegistration, Upstream, UserDirectory, UserInteractive,
    backup::KeyBackup,
    keys::{CrossSigning, DeviceKeys},
    oauth::{BrowserSessions, Clients, Grants, Rendezvous},
    to_device::ToDevice,
};
use pli_appservice::AppServices;
use pli_media::{Media, previews::UrlPreviews};
use pli_push::{Notifications, PushRules, Pushers};
use pli_rooms::{Calls, DelayedEvents, Rooms, Typing};
use pli_store::{Store, ambient::Ambient};
use pli_sync::{Presence, Sync};
use serde::{Deserialize, Serialize};

use crate::{
    layer::{drain::Drain, echo::Echoes, rate_limit::RateLimiter},
    oauth::UpstreamProviders,
    server_notices::ServerNotices,
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
    calls: Calls,
    clients: Clients,
    credentials: Credentials,
    cross_signing: CrossSigning,
    dehydrated_devices: DehydratedDevices,
    delayed_events: DelayedEvents,
    device_keys: DeviceKeys,
    devices: Devices,
    directory: UserDirectory,
    drain: Drain,
    echoes: Echoes,
    email_validation: EmailValidation,
    emails: Emails,
    filters: Filters,
    grants: Grants,
    key_backup: KeyBackup,
    login: Login,
    media: Media,
    notifications: Notifications,
    presence: Presence,
    moderation: Moderation,
    openid_tokens: OpenIdTokens,
    profiles: Profiles,
    push_rules: PushRules,
    pushers: Pushers,
    rate_limiter: RateLimiter,
    registration: Registration,
    rendezvous: Rendezvous,
    reports: Reports,
    rooms: Rooms,
    server_notices: ServerNotices,
    sessions: Sessions,
    settings: Settings,
    shared_secret: SharedSecretRegistration,
    store: Store,
    sync: Sync,
    to_device: ToDevice,
    typing: Typing,
    upstream: Upstream,
    upstream_providers: UpstreamProviders,
    url_previews: UrlPreviews,
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
    /// Whom people find in the user directory.
    pub directory_scope: DirectoryScope,
    /// Whether the media endpoints of before access tokens serve whoever asks.
    pub open_legacy_media: bool,
    /// Where calls find relays.
    pub turn: TurnConfig,
    /// Whom to turn to for help.
    pub support: SupportConfig,
}

/// Whom people find in the user directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryScope {
    /// Everybody who has an account here.
    #[default]
    Everybody,
    /// Those with whom they share a room, and those in rooms that everybody can join.
    Rooms,
}

/// Relays for calls: the section `[turn]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnConfig {
    /// The relays' addresses (`turn:…`, `turns:…`). None: clients are given no relay.
    pub uris: Vec<String>,
    /// The secret that the relays share with this server (`static-auth-secret` of coturn).
    pub shared_secret: String,
    /// For how long credentials are valid.
    #[serde(with = "humantime_serde")]
    pub lifetime: Duration,
}

impl Default for TurnConfig {
    fn default() -> Self {
        Self {
            uris: Vec::new(),
            shared_secret: String::new(),
            lifetime: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// Whom to turn to for help, told at `/.well-known/matrix/support`: the section `[support]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupportConfig {
    /// A page that explains where to find help.
    pub page: Option<url::Url>,
    /// People and mailboxes.
    pub contacts: Vec<SupportContact>,
    /// This domain's policy server's Ed25519 key, unpadded base64, told at
    /// `/.well-known/matrix/policy_server`.
    pub policy_server_key: Option<ruma::serde::Base64>,
}

/// Somebody to turn to.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SupportContact {
    /// What for: `m.role.admin`, `m.role.security` or a role of one's own.
    pub role: String,
    /// Their mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    /// Their user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix_id: Option<ruma::OwnedUserId>,
}
