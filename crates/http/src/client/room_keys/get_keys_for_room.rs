//! `GET /_matrix/client/v3/room_keys/keys/{roomId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomid)).

use axum::{extract::State, response::Response};
use pli_accounts::backup::KeyBackup;
use ruma::api::client::backup::get_backup_keys_for_room::v3::Request;

use super::stream::{Shape, stream};
use crate::{MatrixError, extract::Ruma};

pub(in crate::client) async fn get_keys_for_room(
    State(backup): State<KeyBackup>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Response, MatrixError> {
    stream(backup, requester.user_id, request.version, Shape::OneRoom(request.room_id)).await
}
