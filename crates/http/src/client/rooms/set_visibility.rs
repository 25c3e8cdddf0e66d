//! `PUT /_matrix/client/v3/directory/list/room/{roomId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directorylistroomroomid)).

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::{
    directory::set_room_visibility::v3::{Request, Response},
    room::Visibility,
};

use super::unknown_is_not_found;
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn set_visibility(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let is_listed = match request.visibility {
        Visibility::Public => true,
        Visibility::Private => false,
        other => {
            return Err(MatrixError::invalid_param(format!("there is no visibility {other}")));
        }
    };
    rooms
        .set_in_directory(&requester.user_id, &request.room_id, is_listed)
        .await
        .map_err(unknown_is_not_found)?;
    Ok(Answer(Response::new()))
}
