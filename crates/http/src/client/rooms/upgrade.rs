//! `POST /_matrix/client/v3/rooms/{roomId}/upgrade`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade)).

use axum::extract::State;
use pli_rooms::{Rooms, UpgradeRoom};
use ruma::api::client::room::upgrade_room::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn upgrade(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let replacement_room = rooms
        .upgrade_room(UpgradeRoom {
            user_id: requester.user_id,
            room_id: request.room_id,
            new_version: request.new_version,
            additional_creators: request.additional_creators,
        })
        .await?;
    Ok(Answer(Response::new(replacement_room)))
}
