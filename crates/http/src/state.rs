//! What handlers can ask for.

use axum::extract::FromRef;
use pli_accounts::Sessions;

use crate::layer::{drain::Drain, rate_limit::RateLimiter};

/// The services, each of which a handler takes by itself: `State(sessions): State<Sessions>`.
///
/// No handler takes the whole. Services are cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// Rate limits.
    pub rate_limiter: RateLimiter,
    /// Says when the server is about to stop.
    pub drain: Drain,
    /// Access tokens and what they stand for.
    pub sessions: Sessions,
}
