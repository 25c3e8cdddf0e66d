//! `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid)).

use std::time::Duration;

use axum::{
    body::Body,
    extract::{self, FromRequest, State},
};
use bytes::Bytes;
use pli_rooms::Rooms;
use ruma::api::client::typing::create_typing_event::v3::{Request, Response, Typing};
use serde_json::{Map, Value};

use crate::{
    MatrixError,
    extract::{Answer, MAX_JSON_BODY, Reply, Ruma, read_body},
};

/// For how long somebody types who doesn't say for how long.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

pub(in crate::client) async fn typing(
    State(rooms): State<Rooms>,
    TypingBody(Ruma { request, requester }): TypingBody,
) -> Reply<Response> {
    if request.user_id != requester.user_id {
        return Err(MatrixError::forbidden("you can't type for somebody else"));
    }
    let timeout = match request.state {
        Typing::Yes(info) => Some(info.timeout),
        Typing::No => None,
    };
    rooms.set_typing(&requester.user_id, &request.room_id, timeout).await?;
    Ok(Answer(Response::new()))
}

/// A notice that says for how long it holds. The specification lets clients leave `timeout` out; ruma
/// doesn't.
pub(in crate::client) struct TypingBody(Ruma<Request>);

impl<S> FromRequest<S> for TypingBody
where
    S: Send + Sync,
    Ruma<Request>: FromRequest<S, Rejection = MatrixError>,
{
    type Rejection = MatrixError;

    async fn from_request(request: extract::Request, state: &S) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        let body = with_timeout(read_body(body, MAX_JSON_BODY).await?);
        let request = extract::Request::from_parts(parts, Body::from(body));
        Ruma::from_request(request, state).await.map(Self)
    }
}

/// What isn't a notice, or says for how long it holds, stays as it is.
fn with_timeout(body: Bytes) -> Bytes {
    let Ok(mut notice) = serde_json::from_slice::<Map<String, Value>>(&body) else { return body };
    if notice.get("typing") != Some(&Value::Bool(true)) || notice.contains_key("timeout") {
        return body;
    }
    let milliseconds = u64::try_from(DEFAULT_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
    notice.insert("timeout".to_owned(), milliseconds.into());
    Bytes::from(Value::Object(notice).to_string())
}
