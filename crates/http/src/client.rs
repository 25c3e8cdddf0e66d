//! The client-server API, one endpoint per file.
//!
//! Each group of endpoints has a module with a `routes()` function, merged here.

mod account;
mod account_data;
mod administration;
mod appservice;
mod capabilities;
mod dehydrated_device;
mod delayed_events;
mod device;
mod email_token;
mod filter;
mod keys;
mod legacy;
mod media;
mod notifications;
mod openid;
pub(crate) mod pages;
mod presence;
pub(crate) mod profile;
mod pushers;
mod pushrules;
mod registration;
mod room_keys;
mod rooms;
mod rtc;
mod send_to_device;
mod session;
mod shared_secret;
mod sliding_sync;
mod space;
mod sync;
mod thirdparty;
mod thread_subscriptions;
mod turn_server;
mod user_directory;
mod versions;
mod well_known;

use axum::{Router, routing::get};
use ruma::api::client::{
    discovery::get_capabilities, push::get_notifications, sync::sync_events,
    user_directory::search_users, voip::get_turn_server_info,
};

use crate::{AppState, route::RumaRoutes};

/// Every route below `/_matrix/client`, `/_matrix/media` and `/.well-known/matrix`.
pub fn routes() -> Router<AppState> {
    Router::new()
        .merge(account::routes())
        .merge(account_data::routes())
        .merge(appservice::routes())
        .merge(dehydrated_device::routes())
        .merge(delayed_events::routes())
        .merge(administration::routes())
        .merge(device::routes())
        .merge(filter::routes())
        .merge(keys::routes())
        .merge(openid::routes())
        .merge(pages::routes())
        .merge(profile::routes())
        .merge(legacy::routes())
        .merge(media::routes())
        .merge(presence::routes())
        .merge(pushers::routes())
        .merge(pushrules::routes())
        .merge(registration::routes())
        .merge(room_keys::routes())
        .merge(rooms::routes())
        .merge(rtc::routes())
        .merge(send_to_device::routes())
        .merge(session::routes())
        .merge(shared_secret::routes())
        .merge(space::routes())
        .merge(thirdparty::routes())
        .merge(thread_subscriptions::routes())
        .route("/_matrix/client/versions", get(versions::versions))
        .endpoint::<get_capabilities::v3::Request, _, _>(capabilities::capabilities)
        .endpoint::<get_notifications::v3::Request, _, _>(notifications::list)
        .endpoint::<search_users::v3::Request, _, _>(user_directory::search)
        .route("/.well-known/matrix/client", get(well_known::client))
        .route("/.well-known/matrix/support", get(well_known::support))
        .route("/.well-known/matrix/policy_server", get(well_known::policy_server))
        .endpoint::<get_turn_server_info::v3::Request, _, _>(turn_server::turn_server)
        .endpoint::<sync_events::v3::Request, _, _>(sync::sync)
        .endpoint_with_unstable::<sliding_sync::Request, _, _>(sliding_sync::sliding_sync)
}
