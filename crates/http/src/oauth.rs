//! OAuth 2.0 (client-server API, section "OAuth 2.0 API"): the endpoints that apps talk to, and the
//! pages on which people sign in, let apps in and look after their account.
//!
//! The pages need no script. Each says which language it is in, and every form carries a token that
//! only this browser's pages have.

mod account;
mod authorize;
pub(crate) mod browser;
mod confirm;
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
mod sso;
mod token;
mod upstream;
mod words;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use pli_accounts::{Language, OAuthConfig, Requester, Sessions};
use url::Url;

pub use self::upstream::{UpstreamProvider, UpstreamProviders};
pub(crate) use self::{next::Next, sso::Site};
use self::{
    page::{Page, pick},
    rendezvous::{msc4108, msc4388},
    upstream::{backchannel, callback, start},
};
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

/// The address where somebody creates an account before they go on.
pub(crate) fn sign_up_before(next: &Next) -> String {
    next.after(signup::PATH, &[])
}

/// The page for whoever is sent to a provider that isn't configured.
pub(crate) fn unknown_provider(language: Language) -> Response {
    let title = pick(language, "You are not signed in", "Vous n’êtes pas connecté");
    let text = pick(
        language,
        "The app asks for a sign-in service that is not known here. Go back to the app and choose \
         another way.",
        "L’application demande un service de connexion qui n’existe pas ici. Revenez à l’application \
         et choisissez un autre moyen.",
    );
    Page::message(language, title, text).status(StatusCode::NOT_FOUND).into_response()
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
        .route(sso::PATH, get(sso::show).post(sso::decide))
        .route(confirm::PATH, get(confirm::show).post(confirm::confirm))
        .route(confirm::OLD_PATH, get(confirm::show).post(confirm::confirm))
        .route(start::PATH, get(start::start))
        .route(callback::PATH, get(callback::callback))
        .route(backchannel::PATH, post(backchannel::logout))
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
