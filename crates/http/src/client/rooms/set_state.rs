//! `PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey)).

use axum::extract::State;
use pli_rooms::{Rooms, SetState};
use ruma::api::client::state::send_state_event::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn set_state(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    let is_app_service = requester.is_app_service();
    let event_id = rooms
        .set_state(SetState {
            sender: requester.user_id,
            room_id: request.room_id,
            event_type: request.event_type,
            state_key: request.state_key,
            content: request.body.into_json(),
            // Only application services may say when an event was sent.
            timestamp: request.timestamp.filter(|_| is_app_service),
            sticky: request.sticky_duration_ms,
        })
        .await?;
    Ok(Answer(Response::new(event_id)))
}
