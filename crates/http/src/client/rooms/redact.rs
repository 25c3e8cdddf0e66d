//! `PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid)).

use axum::extract::State;
use pli_rooms::{Redaction, Rooms};
use ruma::api::client::redact::redact_event::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn redact(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let event_id = rooms
        .redact(Redaction {
            sender: requester.user_id,
            device_id: requester.device_id,
            room_id: request.room_id,
            event_id: request.event_id,
            reason: request.reason,
            transaction_id: request.txn_id,
        })
        .await?;
    Ok(Answer(Response::new(event_id)))
}
