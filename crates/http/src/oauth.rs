//! OAuth 2.0 (client-server API, section "OAuth 2.0 API"): the endpoints that apps talk to, and the
//! pages on which people sign in, let apps in and look after their account.
//!
//! The pages need no script. Each says which language it is in, and every form carries a token that
//! only this browser's pages have.

mod account;
mod authorize;
pub(crate) mod browser;
mod device;
mod failure;
mod link;
mod login;
mod logout;
pub(crate) mod metadata;
pub(crate) mod next;
mod page;
mod parameters;
mod register;
mod rendezvous;
mod revoke;
mod signup;
mod token;
mod upstream;
mod words;

use axum::{
    Router,
    routing::{get, post},
};
use pli_accounts::{OAuthConfig, Requester, Sessions};
use url::Url;

use self::rendezvous::{msc4108, msc4388};
pub use self::upstream::{UpstreamProvider, UpstreamProviders};
use crate::AppState;

/// Every route of OAuth 2.0 and of the sign-in by QR code, as far as they are switched on.
pub(crate) fn routes(config: &OAuthConfig) -> Router<AppState> {
    let mut router = Router::new();
    if config.enabled {
        router = router.merge(endpoints()).merge(pages());
    }
    if offers_qr_sign_in(config) {
        router = router.merge(meeting_places());
    }
    router
}

/// Whether a device can sign in another one by a QR code.
pub(crate) fn offers_qr_sign_in(config: &OAuthConfig) -> bool {
    config.enabled && config.qr_sign_in
}

/// The page where somebody approves that an app replaces the cross-signing keys, if this session was
/// granted to one.
pub(crate) async fn approval_page(
    sessions: &Sessions,
    public_url: &Url,
    requester: &Requester,
) -> Result<Option<String>, crate::MatrixError> {
    let is_granted = sessions.client_of(requester).await?.is_some();
    let path = format!("{}?action=org.matrix.cross_signing_reset", account::PATH);
    Ok(is_granted.then(|| metadata::address(public_url, &path)))
}

fn endpoints() -> Router<AppState> {
    const UNSTABLE: &str = "/_matrix/client/unstable/org.matrix.msc2965";
    Router::new()
        .route("/_matrix/client/v1/auth_metadata", get(metadata::metadata))
        .route(&format!("{UNSTABLE}/auth_metadata"), get(metadata::metadata))
        .route(&format!("{UNSTABLE}/auth_issuer"), get(metadata::auth_issuer))
        .route("/.well-known/openid-configuration", get(metadata::metadata))
        .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
        .route(register::PATH, post(register::register))
        .route(token::PATH, post(token::token))
        .route(revoke::PATH, post(revoke::revoke))
        .route(device::PATH, post(device::device))
}

fn pages() -> Router<AppState> {
    Router::new()
        .route(authorize::PATH, get(authorize::show).post(authorize::decide))
        .route(login::PATH, get(login::show).post(login::submit))
        .route(logout::PATH, post(logout::logout))
        .route(signup::PATH, get(signup::show).post(signup::submit))
        .route(link::PATH, get(link::show).post(link::decide))
        .route(account::PATH, get(account::show).post(account::submit))
}

fn meeting_places() -> Router<AppState> {
    Router::new()
        .route(msc4108::PATH, post(msc4108::create))
        .route(
            &format!("{}/{{id}}", msc4108::PATH),
            get(msc4108::get).put(msc4108::update).delete(msc4108::end),
        )
        .route(msc4388::PATH, get(msc4388::discover).post(msc4388::create))
        .route(
            &format!("{}/{{id}}", msc4388::PATH),
            get(msc4388::get).put(msc4388::update).delete(msc4388::end),
        )
}
