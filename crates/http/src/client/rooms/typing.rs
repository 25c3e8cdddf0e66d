//! `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid)).

use std::time::Duration;

use axum::extract::{self, FromRequest, State};
use bytes::Bytes;
use pli_rooms::Rooms;
use ruma::api::client::typing::create_typing_event::v3::{Request, Response, Typing};
use serde::Deserialize;

use crate::{
    AppState, MatrixError,
    extract::{Admitted, Answer, Reply, Ruma, body::with_default},
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

impl FromRequest<AppState> for TypingBody {
    type Rejection = MatrixError;

    async fn from_request(
        request: extract::Request,
        state: &AppState,
    ) -> Result<Self, MatrixError> {
        let (admitted, body) = Box::pin(Admitted::<Request>::read(request, state)).await?;
        admitted.parse(&with_timeout(body)).map(Self)
    }
}

/// What isn't a notice that somebody types stays as it is.
fn with_timeout(body: Bytes) -> Bytes {
    #[derive(Deserialize)]
    struct Notice {
        typing: bool,
    }
    if !serde_json::from_slice::<Notice>(&body).is_ok_and(|notice| notice.typing) {
        return body;
    }
    let milliseconds = u64::try_from(DEFAULT_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
    with_default(body, "timeout", &milliseconds.into())
}
