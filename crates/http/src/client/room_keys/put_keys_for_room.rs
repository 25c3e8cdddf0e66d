//! `PUT /_matrix/client/v3/room_keys/keys/{roomId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomid)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::{
    UInt,
    api::client::backup::add_backup_keys_for_room::v3::{Request, Response},
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn put_keys_for_room(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let sessions = request.sessions.into_iter().map(|(id, key)| (id, key.into_json())).collect();
    let uploads = [(request.room_id, sessions)].into();
    let status = backup.put_keys(&requester.user_id, &request.version, &uploads).await?;
    Ok(Answer(Response::new(status.etag, UInt::new_saturating(status.count))))
}
