//! `PUT /_matrix/client/v3/directory/room/{roomAlias}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directoryroomroomalias)).

use axum::extract::State;
use pli_appservice::AppServices;
use pli_rooms::Rooms;
use ruma::api::client::alias::create_alias::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn set_alias(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    app_services.check_alias(&requester, &request.room_alias)?;
    rooms.add_alias(&requester.user_id, &request.room_alias, &request.room_id).await?;
    Ok(Answer(Response::new()))
}
