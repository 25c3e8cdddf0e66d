//! The few pages that the server itself draws: for links in mails, and for clients that don't know a
//! stage of user-interactive authentication.

mod auth_fallback;
mod confirm_email;
mod html;
mod words;

pub(crate) use self::auth_fallback::done;

use axum::{Router, routing::get};
use pli_accounts::validation::SUBMIT_PATH;

use crate::AppState;

pub(super) fn routes() -> Router<AppState> {
    let fallback = || get(auth_fallback::show).post(auth_fallback::submit);
    Router::new()
        .route(SUBMIT_PATH, get(confirm_email::show).post(confirm_email::submit))
        .route("/_matrix/client/r0/auth/{auth_type}/fallback/web", fallback())
        .route("/_matrix/client/v3/auth/{auth_type}/fallback/web", fallback())
}
