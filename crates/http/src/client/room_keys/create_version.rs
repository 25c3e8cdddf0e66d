//! `POST /_matrix/client/v3/room_keys/version`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3room_keysversion)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::api::client::backup::create_backup_version::v3::{Request, Response};

use super::version_body::VersionBody;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn create_version(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let body = VersionBody::parse(request.algorithm.json().get())?;
    let version = backup.create(&requester.user_id, &body.algorithm, &body.auth_data()).await?;
    Ok(Answer(Response::new(version)))
}
