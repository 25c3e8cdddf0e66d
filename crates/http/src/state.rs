//! What handlers can ask for.

use axum::extract::FromRef;
use pli_accounts::{
    AccountData, Accounts, Credentials, Devices, EmailValidation, Emails, Filters, Login, Profiles,
    Registration, Sessions, SharedSecretRegistration, UserDirectory, UserInteractive,
    backup::KeyBackup,
    keys::{CrossSigning, DeviceKeys},
    to_device::ToDevice,
};
use pli_media::Media;
use pli_push::PushRules;
use pli_rooms::{Rooms, Typing};
use pli_store::{Store, ambient::Ambient};
use pli_sync::Sync;

use crate::layer::{drain::Drain, rate_limit::RateLimiter};

/// The services, each of which a handler takes by itself: `State(sessions): State<Sessions>`.
///
/// No handler takes the whole. Services are cheap to clone.
#[derive(Clone, FromRef)]
#[expect(missing_docs, reason = "each field is the service of that name")]
pub struct AppState {
    pub account_data: AccountData,
    pub accounts: Accounts,
    pub ambient: Ambient,
    pub credentials: Credentials,
    pub cross_signing: CrossSigning,
    pub device_keys: DeviceKeys,
    pub devices: Devices,
    pub directory: UserDirectory,
    pub drain: Drain,
    pub email_validation: EmailValidation,
    pub emails: Emails,
    pub filters: Filters,
    pub key_backup: KeyBackup,
    pub login: Login,
    pub media: Media,
    pub profiles: Profiles,
    pub push_rules: PushRules,
    pub rate_limiter: RateLimiter,
    pub registration: Registration,
    pub rooms: Rooms,
    pub sessions: Sessions,
    pub settings: Settings,
    pub shared_secret: SharedSecretRegistration,
    pub store: Store,
    pub sync: Sync,
    pub to_device: ToDevice,
    pub typing: Typing,
    pub user_interactive: UserInteractive,
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
}
