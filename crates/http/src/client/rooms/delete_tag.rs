//! `DELETE /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3useruseridroomsroomidtagstag)).

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::api::client::tag::delete_tag::v3::{Request, Response};

use super::check_owner;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete_tag(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    check_owner(&requester, &request.user_id)?;
    rooms.set_tag(&request.user_id, &request.room_id, &request.tag, None).await?;
    Ok(Answer(Response::new()))
}
