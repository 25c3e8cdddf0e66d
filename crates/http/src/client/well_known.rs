//! `GET /.well-known/matrix/client`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient)).
//!
//! `/.well-known/matrix/server` is for federation, `/support` for contacts: neither is configured.

use axum::extract::State;
use ruma::api::client::discovery::discover_homeserver::{HomeserverInfo, Response};

use crate::{extract::Answer, state::Settings};

/// Where a client finds the server of the domain in its user's id.
pub(super) async fn client(State(settings): State<Settings>) -> Answer<Response> {
    let base_url = settings.public_url.as_str().trim_end_matches('/').to_owned();
    Answer(Response::new(HomeserverInfo::new(base_url)))
}
