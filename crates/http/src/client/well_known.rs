//! What a domain says of its server (client-server API, section "Well-known URIs").
//!
//! `/.well-known/matrix/server` is for federation, which is not served yet.

use axum::{Json, extract::State};
use pli_rooms::Calls;
use serde_json::{Map, Value, json};

use super::rtc;
use crate::{MatrixError, oauth::metadata, state::Settings};

/// `GET /.well-known/matrix/client`: where a client finds the server of the domain in its user's id
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient)).
pub(super) async fn client(
    State(settings): State<Settings>,
    State(calls): State<Calls>,
) -> Json<Value> {
    let base_url = settings.public_url.as_str().trim_end_matches('/');
    let mut answer = json!({ "m.homeserver": { "base_url": base_url } });
    if calls.livekit_url().is_some() {
        answer["org.matrix.msc4143.rtc_foci"] = json!([rtc::transport(&settings)]);
    }
    if settings.oauth.enabled {
        answer["org.matrix.msc2965.authentication"] = metadata::well_known(&settings.public_url);
    }
    Json(answer)
}

/// `GET /.well-known/matrix/support`: whom to turn to
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixsupport)).
pub(super) async fn support(State(settings): State<Settings>) -> Result<Json<Value>, MatrixError> {
    let support = &settings.support;
    let mut answer = Map::new();
    if !support.contacts.is_empty() {
        answer.insert("contacts".to_owned(), json!(support.contacts));
    }
    if let Some(page) = &support.page {
        answer.insert("support_page".to_owned(), page.as_str().into());
    }
    if answer.is_empty() {
        return Err(MatrixError::not_found("this server names nobody to turn to"));
    }
    Ok(Json(answer.into()))
}

/// `GET /.well-known/matrix/policy_server`: the key of the domain's policy server
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixpolicy_server)).
pub(super) async fn policy_server(
    State(settings): State<Settings>,
) -> Result<Json<Value>, MatrixError> {
    let key = settings.support.policy_server_key.as_ref();
    let key = key.ok_or_else(|| MatrixError::not_found("this domain has no policy server"))?;
    Ok(Json(json!({ "public_keys": { "ed25519": key } })))
}
