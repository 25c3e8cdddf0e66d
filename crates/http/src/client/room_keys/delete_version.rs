//! `DELETE /_matrix/client/v3/room_keys/version/{version}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keysversionversion)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::api::client::backup::delete_backup_version::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete_version(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    backup.delete(&requester.user_id, &request.version).await?;
    Ok(Answer(Response::new()))
}
