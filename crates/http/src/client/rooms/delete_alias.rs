//! `DELETE /_matrix/client/v3/directory/room/{roomAlias}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3directoryroomroomalias)).

use axum::extract::State;
use pli_appservice::AppServices;
use pli_rooms::Rooms;
use ruma::api::client::alias::delete_alias::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete_alias(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    app_services.check_alias(&requester, &request.room_alias)?;
    rooms.remove_alias(&requester.user_id, &request.room_alias).await?;
    Ok(Answer(Response::new()))
}
