//! `GET /_matrix/client/v3/voip/turnServer`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3voipturnserver)).
//!
//! Credentials of the kind that coturn checks with a shared secret (`use-auth-secret`): the user name
//! says until when they hold, the password is the name's HMAC-SHA1.

use axum::{Json, extract::State};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use pli_store::ambient::Ambient;
use ruma::api::client::voip::get_turn_server_info::v3::Request;
use serde_json::{Value, json};
use sha1::Sha1;

use crate::{MatrixError, extract::Ruma, state::Settings};

pub(super) async fn turn_server(
    State(settings): State<Settings>,
    State(ambient): State<Ambient>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Result<Json<Value>, MatrixError> {
    let turn = &settings.turn;
    // Clients take an empty object for "there is none".
    if turn.uris.is_empty() {
        return Ok(Json(json!({})));
    }
    let lifetime = turn.lifetime.as_secs();
    let until = ambient.now_ms() / 1000 + lifetime;
    let username = format!("{until}:{}", requester.user_id);
    let mut mac = Hmac::<Sha1>::new_from_slice(turn.shared_secret.as_bytes())
        .map_err(MatrixError::internal)?;
    mac.update(username.as_bytes());
    let password = STANDARD.encode(mac.finalize().into_bytes());
    Ok(Json(json!({
        "username": username,
        "password": password,
        "uris": turn.uris,
        "ttl": lifetime,
    })))
}
