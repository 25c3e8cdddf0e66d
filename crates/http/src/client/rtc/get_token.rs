//! `POST /livekit/jwt/get_token`: a token for a slot of a room, under a name that says nothing.

use axum::{Json, extract::State};
use pli_rooms::{CallIdentity, Calls};
use ruma::{OwnedRoomId, OwnedUserId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::OpenIdToken;
use crate::{MatrixError, extract::body::JsonBody};

#[derive(Debug, Deserialize)]
pub(in crate::client) struct Request {
    room_id: OwnedRoomId,
    slot_id: String,
    openid_token: OpenIdToken,
    member: Member,
}

#[derive(Debug, Deserialize)]
struct Member {
    id: String,
    claimed_user_id: OwnedUserId,
    claimed_device_id: String,
}

pub(in crate::client) async fn get_token(
    State(calls): State<Calls>,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<Value>, MatrixError> {
    let url = calls.livekit_url().ok_or_else(MatrixError::unrecognized)?;
    let user_id = calls.prove(request.openid_token.proof()).await?;
    // Who takes part is who proved themselves.
    if user_id != request.member.claimed_user_id {
        return Err(MatrixError::forbidden("the OpenID token is somebody else's"));
    }
    let identity = CallIdentity::Pseudonym {
        device_id: &request.member.claimed_device_id,
        member_id: &request.member.id,
    };
    let jwt = calls.token(&user_id, &request.room_id, Some(&request.slot_id), identity).await?;
    Ok(Json(json!({ "url": url, "jwt": jwt })))
}
