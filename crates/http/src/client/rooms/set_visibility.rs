//! `PUT /_matrix/client/v3/directory/list/room/{roomId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directorylistroomroomid)).

use axum::{
    body::Body,
    extract::{self, FromRequest, State},
};
use bytes::Bytes;
use pli_rooms::Rooms;
use ruma::api::client::{
    directory::set_room_visibility::v3::{Request, Response},
    room::Visibility,
};
use serde_json::{Map, Value};

use super::unknown_is_not_found;
use crate::{
    MatrixError,
    extract::{Answer, MAX_JSON_BODY, Reply, Ruma, read_body},
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

impl<S> FromRequest<S> for VisibilityRequest
where
    S: Send + Sync,
    Ruma<Request>: FromRequest<S, Rejection = MatrixError>,
{
    type Rejection = MatrixError;

    async fn from_request(request: extract::Request, state: &S) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        let body = with_visibility(read_body(body, MAX_JSON_BODY).await?);
        let request = extract::Request::from_parts(parts, Body::from(body));
        Ruma::from_request(request, state).await.map(Self)
    }
}

/// What isn't an object stays as it is.
fn with_visibility(body: Bytes) -> Bytes {
    let Ok(mut wanted) = serde_json::from_slice::<Map<String, Value>>(&body) else { return body };
    wanted.entry("visibility").or_insert_with(|| "public".into());
    Bytes::from(Value::Object(wanted).to_string())
}
