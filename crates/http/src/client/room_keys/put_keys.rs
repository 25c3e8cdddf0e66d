//! `PUT /_matrix/client/v3/room_keys/keys`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeys)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::{
    UInt,
    api::client::backup::add_backup_keys::v3::{Request, Response},
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn put_keys(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let uploads = request
        .rooms
        .into_iter()
        .map(|(room_id, room)| {
            let sessions = room.sessions.into_iter();
            (room_id, sessions.map(|(id, key)| (id, key.into_json())).collect())
        })
        .collect();
    let status = backup.put_keys(&requester.user_id, &request.version, &uploads).await?;
    Ok(Answer(Response::new(status.etag, UInt::new_saturating(status.count))))
}
