//! `POST /livekit/jwt/sfu/get`: a token for the one call of a room, as clients ask for it today.

use axum::{Json, extract::State};
use pli_rooms::{CallIdentity, Calls};
use ruma::OwnedRoomId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::OpenIdToken;
use crate::{MatrixError, extract::body::JsonBody};

#[derive(Debug, Deserialize)]
pub(in crate::client) struct Request {
    room: OwnedRoomId,
    openid_token: OpenIdToken,
    device_id: String,
}

pub(in crate::client) async fn sfu_get(
    State(calls): State<Calls>,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<Value>, MatrixError> {
    let url = calls.livekit_url().ok_or_else(MatrixError::unrecognized)?;
    let user_id = calls.prove(request.openid_token.proof()).await?;
    let identity = CallIdentity::Device(&request.device_id);
    let jwt = calls.token(&user_id, &request.room, None, identity).await?;
    Ok(Json(json!({ "url": url, "jwt": jwt })))
}
