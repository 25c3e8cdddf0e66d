//! `DELETE /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeysroomidsessionid)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::{
    UInt,
    api::client::backup::delete_backup_keys_for_session::v3::{Request, Response},
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete_keys_for_session(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let (room, session) = (Some(&*request.room_id), Some(&*request.session_id));
    let status = backup.delete_keys(&requester.user_id, &request.version, room, session).await?;
    Ok(Answer(Response::new(status.etag, UInt::new_saturating(status.count))))
}
