//! The client-server API, one endpoint per file.
//!
//! Each group of endpoints has a module with a `routes()` function, merged here.

use axum::Router;

use crate::AppState;

/// Every route below `/_matrix/client`, `/_matrix/media` and `/.well-known/matrix`.
pub fn routes() -> Router<AppState> {
    Router::new()
}
