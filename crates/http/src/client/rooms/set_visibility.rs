//! `PUT /_matrix/client/v3/directory/list/room/{roomId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directorylistroomroomid)).

use axum::extract::{self, FromRequest, State};
use pli_rooms::Rooms;
use ruma::api::client::{
    directory::set_room_visibility::v3::{Request, Response},
    room::Visibility,
};
use serde_json::json;

use super::unknown_is_not_found;
use crate::{
    AppState, MatrixError,
    extract::{Admitted, Answer, Reply, Ruma, body::with_default},
};

pub(in crate::client) async fn set_visibility(
    State(rooms): State<Rooms>,
    VisibilityRequest(Ruma { request, requester }): VisibilityRequest,
) -> Reply<Response> {
    let is_listed = match request.visibility {
        Visibility::Public => true,
        Visibility::Private => false,
        other => {
            return Err(MatrixError::invalid_param(format!("there is no visibility {other}")));
        }
    };
    rooms
        .set_in_directory(&requester.user_id, &request.room_id, is_listed)
        .await
        .map_err(unknown_is_not_found)?;
    Ok(Answer(Response::new()))
}

/// A request that says what is wanted. The specification lets clients leave `visibility` out, which
/// means `public`; ruma doesn't.
pub(in crate::client) struct VisibilityRequest(Ruma<Request>);

impl FromRequest<AppState> for VisibilityRequest {
    type Rejection = MatrixError;

    async fn from_request(
        request: extract::Request,
        state: &AppState,
    ) -> Result<Self, MatrixError> {
        let (admitted, body) = Box::pin(Admitted::<Request>::read(request, state)).await?;
        let body = with_default(body, "visibility", &json!("public"));
        admitted.parse(&body).map(Self)
    }
}
