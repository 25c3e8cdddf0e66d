//! The client-server API, one endpoint per file.
//!
//! Each group of endpoints has a module with a `routes()` function, merged here.

mod pushrules;
mod sync;

use axum::Router;
use ruma::api::client::sync::sync_events;

use crate::{AppState, route::RumaRoutes};

/// Every route below `/_matrix/client`, `/_matrix/media` and `/.well-known/matrix`.
pub fn routes() -> Router<AppState> {
    Router::new().merge(pushrules::routes()).endpoint::<sync_events::v3::Request, _, _>(sync::sync)
}
