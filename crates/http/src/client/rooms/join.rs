//! `POST /_matrix/client/v3/rooms/{roomId}/join`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidjoin)).

use axum::extract::State;
use pli_rooms::{MembershipChange, Rooms};
use ruma::api::client::membership::join_room_by_id::v3::{Request, Response};

use super::unknown_is_not_found;
use crate::extract::{Answer, Reply, Ruma, content::WithContent};

pub(in crate::client) async fn join(
    State(rooms): State<Rooms>,
    WithContent { ruma: Ruma { request, requester }, content }: WithContent<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    let room_id = request.room_id;
    let change = MembershipChange::new(requester.user_id, room_id.clone())
        .by_guest(requester.standing.guest)
        .because(request.reason)
        .saying(content);
    rooms.join(change).await.map_err(unknown_is_not_found)?;
    Ok(Answer(Response::new(room_id)))
}
