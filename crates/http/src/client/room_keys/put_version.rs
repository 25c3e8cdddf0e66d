//! `PUT /_matrix/client/v3/room_keys/version/{version}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keysversionversion)).

use axum::extract::State;
use pli_accounts::backup::KeyBackup;
use ruma::api::client::backup::update_backup_version::v3::{Request, Response};

use super::version_body::VersionBody;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn put_version(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let body = VersionBody::parse(request.algorithm.json().get())?;
    backup
        .update(
            &requester.user_id,
            &request.version,
            &body.algorithm,
            &body.auth_data(),
            body.version.as_deref(),
        )
        .await?;
    Ok(Answer(Response::new()))
}
