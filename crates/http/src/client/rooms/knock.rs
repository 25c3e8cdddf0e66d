//! `POST /_matrix/client/v3/knock/{roomIdOrAlias}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3knockroomidoralias)).

use axum::extract::State;
use pli_appservice::AppServices;
use pli_rooms::{MembershipChange, Rooms};
use ruma::api::client::knock::knock_room::v3::{Request, Response};

use super::{resolve, unknown_is_not_found};
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn knock(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    let room_id = resolve(&rooms, &app_services, request.room_id_or_alias).await?;
    let change = MembershipChange::new(requester.user_id, room_id.clone()).because(request.reason);
    rooms.knock(change).await.map_err(unknown_is_not_found)?;
    Ok(Answer(Response::new(room_id)))
}
