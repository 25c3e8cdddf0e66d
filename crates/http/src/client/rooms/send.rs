//! `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid)).

use axum::extract::State;
use pli_rooms::{Rooms, SendMessage};
use ruma::api::client::message::send_message_event::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn send(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    let is_app_service = requester.is_app_service();
    let event_id = rooms
        .send_message(SendMessage {
            sender: requester.user_id,
            device_id: requester.device_id,
            room_id: request.room_id,
            event_type: request.event_type.into(),
            content: request.body.into_json(),
            transaction_id: request.txn_id,
            // Only application services may say when an event was sent.
            timestamp: request.timestamp.filter(|_| is_app_service),
            sticky: request.sticky_duration_ms,
        })
        .await?;
    Ok(Answer(Response::new(event_id)))
}
