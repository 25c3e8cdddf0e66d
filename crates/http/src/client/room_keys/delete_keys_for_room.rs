//! `DELETE /_matrix/client/v3/room_keys/keys/{roomId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeysroomid)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::{
    UInt,
    api::client::backup::delete_backup_keys_for_room::v3::{Request, Response},
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete_keys_for_room(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let room = Some(&*request.room_id);
    let status = backup.delete_keys(&requester.user_id, &request.version, room, None).await?;
    Ok(Answer(Response::new(status.etag, UInt::new_saturating(status.count))))
}
