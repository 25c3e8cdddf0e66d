//! `PUT /_matrix/client/v3/directory/room/{roomAlias}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directoryroomroomalias)).

use axum::extract::State;
use http::StatusCode;
use pli_appservice::AppServices;
use pli_rooms::{RoomError, Rooms};
use ruma::api::client::alias::create_alias::v3::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn set_alias(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    app_services.check_alias(&requester, &request.room_alias)?;
    rooms
        .add_alias(&requester.user_id, &request.room_alias, &request.room_id)
        .await
        .map_err(taken_is_conflict)?;
    Ok(Answer(Response::new()))
}

/// Here, unlike where a room is created, a taken alias is a conflict.
fn taken_is_conflict(error: RoomError) -> MatrixError {
    match error {
        RoomError::AliasInUse(_) => {
            MatrixError::new(StatusCode::CONFLICT, "M_UNKNOWN", error.to_string())
        }
        other => other.into(),
    }
}
