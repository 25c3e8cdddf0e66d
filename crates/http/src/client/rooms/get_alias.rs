//! `GET /_matrix/client/v3/directory/room/{roomAlias}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directoryroomroomalias)).

use axum::extract::State;
use pli_appservice::AppServices;
use pli_rooms::Rooms;
use ruma::api::client::alias::get_alias::v3::{Request, Response};

use super::resolve_alias;
use crate::{
    extract::{Answer, Reply, Ruma},
    state::Settings,
};

pub(in crate::client) async fn get_alias(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    State(settings): State<Settings>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let room_id = resolve_alias(&rooms, &app_services, &request.room_alias).await?;
    Ok(Answer(Response::new(room_id, vec![settings.server_name])))
}
