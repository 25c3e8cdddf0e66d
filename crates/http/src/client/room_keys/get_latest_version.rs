//! `GET /_matrix/client/v3/room_keys/version`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keysversion)).

use axum::{Json, extract::State};
use pli_accounts::backup::KeyBackup;
use ruma::api::client::backup::get_latest_backup_info::v3::Request;

use super::version_body::VersionReply;
use crate::extract::Ruma;

pub(in crate::client) async fn get_latest_version(
    State(backup): State<KeyBackup>,
    Ruma { requester, .. }: Ruma<Request>,
) -> VersionReply {
    Ok(Json(backup.latest(&requester.user_id).await?.into()))
}
