//! `GET /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::{
    api::client::backup::get_backup_keys_for_session::v3::{Request, Response},
    serde::Raw,
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get_keys_for_session(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let Request { version, room_id, session_id, .. } = request;
    let key = backup.key(&requester.user_id, &version, &room_id, &session_id).await?;
    Ok(Answer(Response::new(Raw::from_json(key.into_raw()))))
}
