//! `PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidtagstag)).

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::tag::create_tag::v3::{Request, Response};

use super::check_owner;
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn set_tag(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    check_owner(&requester, &request.user_id)?;
    let info = serde_json::to_value(&request.tag_info).map_err(MatrixError::internal)?;
    rooms.set_tag(&request.user_id, &request.room_id, &request.tag, Some(info)).await?;
    Ok(Answer(Response::new()))
}
