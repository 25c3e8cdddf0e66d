//! The client-server API, one endpoint per file.
//!
//! Each group of endpoints has a module with a `routes()` function, merged here.

mod account;
mod account_data;
mod appservice;
mod capabilities;
mod device;
mod email_token;
mod filter;
mod keys;
mod media;
mod pages;
pub(crate) mod profile;
mod pushrules;
mod registration;
mod room_keys;
mod rooms;
mod send_to_device;
mod session;
mod shared_secret;
mod sliding_sync;
mod sync;
mod thirdparty;
mod user_directory;
mod versions;
mod well_known;

use axum::{Router, routing::get};
use ruma::api::client::{
    discovery::get_capabilities, sync::sync_events, user_directory::search_users,
};

use crate::{AppState, route::RumaRoutes};

/// Every route below `/_matrix/client`, `/_matrix/media` and `/.well-known/matrix`.
pub fn routes() -> Router<AppState> {
    Router::new()
        .merge(account::routes())
        .merge(account_data::routes())
        .merge(appservice::routes())
        .merge(device::routes())
        .merge(filter::routes())
        .merge(keys::routes())
        .merge(pages::routes())
        .merge(profile::routes())
        .merge(media::routes())
        .merge(pushrules::routes())
        .merge(registration::routes())
        .merge(room_keys::routes())
        .merge(rooms::routes())
        .merge(send_to_device::routes())
        .merge(session::routes())
        .merge(shared_secret::routes())
        .merge(thirdparty::routes())
        .route("/_matrix/client/versions", get(versions::versions))
        .endpoint::<get_capabilities::v3::Request, _, _>(capabilities::capabilities)
        .endpoint::<search_users::v3::Request, _, _>(user_directory::search)
        .route("/.well-known/matrix/client", get(well_known::client))
        .endpoint::<sync_events::v3::Request, _, _>(sync::sync)
        .endpoint_with_unstable::<sliding_sync::Request, _, _>(sliding_sync::sliding_sync)
}
