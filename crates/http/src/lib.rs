//! Pli's HTTP edge: the one crate that knows HTTP.
//!
//! It takes no decision: a handler parses the request (with ruma's request types, through
//! [`extract::Ruma`]), calls one service function and maps the result. Errors of all services become
//! Matrix errors in [`error`]. One endpoint per file below [`client`].
#![forbid(unsafe_code)]

pub mod admin;
pub mod client;
pub mod departures;
pub mod error;
pub mod extract;
pub mod layer;
pub mod oauth;
pub mod route;
pub mod server_notices;
pub mod state;
mod webapp;

pub use self::{
    error::MatrixError,
    state::{AppState, Services},
};

/// What everybody is told who comes while there are as many connections as there may be.
pub fn full() -> axum::Router {
    let refuse = async || {
        let error = MatrixError::unavailable("the server has no room: try again in a moment");
        ([(http::header::CONNECTION, "close")], error)
    };
    layer::surround(axum::Router::new().fallback(refuse), false)
}

/// Everything on the client listener: the client-server API and the web app.
pub fn app(state: AppState) -> axum::Router {
    let is_https = state.settings().public_url.scheme() == "https";
    let oauth = oauth::routes(&state.settings().oauth);
    let routes = client::routes()
        .merge(oauth)
        .method_not_allowed_fallback(async || MatrixError::method_not_allowed())
        .fallback(webapp::fallback)
        .with_state(state);
    layer::surround(routes, is_https)
}
