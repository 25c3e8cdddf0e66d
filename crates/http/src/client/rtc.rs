//! Calls ([MSC4143](https://github.com/matrix-org/matrix-spec-proposals/pull/4143),
//! [MSC4195](https://github.com/matrix-org/matrix-spec-proposals/pull/4195)).

mod get_token;
mod sfu_get;
mod slot_token;
mod transports;

use axum::{Router, routing::post};
use pli_rooms::OpenIdProof;
use ruma::{
    OwnedServerName,
    api::client::rtc::{RtcTransport, livekit, transports as rtc_transports},
};
use serde::Deserialize;

use crate::{AppState, route::RumaRoutes, state::Settings};

/// Below the public address: where clients ask for tokens.
const SERVICE: &str = "/livekit/jwt";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint_with_unstable::<rtc_transports::v1::Request, _, _>(transports::transports)
        .endpoint_with_unstable::<livekit::get_token::v1::Request, _, _>(slot_token::slot_token)
        .route("/livekit/jwt/sfu/get", post(sfu_get::sfu_get))
        .route("/livekit/jwt/get_token", post(get_token::get_token))
}

/// How calls are made here, as clients are told it.
pub(super) fn transport(settings: &Settings) -> RtcTransport {
    let base_url = settings.public_url.as_str().trim_end_matches('/');
    RtcTransport::livekit(format!("{base_url}{SERVICE}"))
}

/// An OpenID token as a server gave it to a client.
#[derive(Debug, Deserialize)]
struct OpenIdToken {
    access_token: String,
    matrix_server_name: OwnedServerName,
}

impl OpenIdToken {
    fn proof(&self) -> OpenIdProof<'_> {
        OpenIdProof { token: &self.access_token, server_name: &self.matrix_server_name }
    }
}
