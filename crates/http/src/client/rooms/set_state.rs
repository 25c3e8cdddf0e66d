//! `PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey)).

use axum::extract::State;
use pli_accounts::{AccountsError, Requester};
use pli_rooms::{Rooms, SetState};
use ruma::{
    api::client::state::send_state_event::v3::{Request, Response},
    events::StateEventType,
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn set_state(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    check_is_not_membership(&requester, &request.event_type)?;
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

/// Guests come and go by the endpoints for that, where it is looked at whether the room lets them in.
pub(in crate::client) fn check_is_not_membership(
    requester: &Requester,
    event_type: &StateEventType,
) -> Result<(), MatrixError> {
    if requester.standing.guest && *event_type == StateEventType::RoomMember {
        let text = "guests can't set memberships: join or leave the room";
        return Err(AccountsError::GuestAccessForbidden(text.into()).into());
    }
    Ok(())
}
