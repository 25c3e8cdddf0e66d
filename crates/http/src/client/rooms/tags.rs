//! `GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidtags)).

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::tag::get_tags::v3::{Request, Response};

use super::check_owner;
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn tags(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    check_owner(&requester, &request.user_id)?;
    let tags = rooms.tags(&request.user_id, &request.room_id).await?;
    let tags = serde_json::from_value(tags.into()).map_err(MatrixError::internal)?;
    Ok(Answer(Response::new(tags)))
}
