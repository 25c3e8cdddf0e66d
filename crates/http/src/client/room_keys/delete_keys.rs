//! `DELETE /_matrix/client/v3/room_keys/keys`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeys)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::{
    UInt,
    api::client::backup::delete_backup_keys::v3::{Request, Response},
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete_keys(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let status = backup.delete_keys(&requester.user_id, &request.version, None, None).await?;
    Ok(Answer(Response::new(status.etag, UInt::new_saturating(status.count))))
}
