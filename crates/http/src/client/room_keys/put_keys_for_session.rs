//! `PUT /_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::{
    UInt,
    api::client::backup::add_backup_keys_for_session::v3::{Request, Response},
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn put_keys_for_session(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let session = [(request.session_id, request.session_data.into_json())].into();
    let uploads = [(request.room_id, session)].into();
    let status = backup.put_keys(&requester.user_id, &request.version, &uploads).await?;
    Ok(Answer(Response::new(status.etag, UInt::new_saturating(status.count))))
}
