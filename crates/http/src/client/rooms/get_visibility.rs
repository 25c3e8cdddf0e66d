//! `GET /_matrix/client/v3/directory/list/room/{roomId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directorylistroomroomid)).

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::{
    directory::get_room_visibility::v3::{Request, Response},
    room::Visibility,
};

use super::unknown_is_not_found;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get_visibility(
    State(rooms): State<Rooms>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let is_listed = rooms.is_in_directory(&request.room_id).await.map_err(unknown_is_not_found)?;
    let visibility = if is_listed { Visibility::Public } else { Visibility::Private };
    Ok(Answer(Response::new(visibility)))
}
