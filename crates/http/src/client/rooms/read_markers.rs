//! `POST /_matrix/client/v3/rooms/{roomId}/read_markers`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreadmarkers)).

use axum::extract::State;
use pli_rooms::{Mark, ReceiptKind, ReceiptThreadKey, Rooms};
use ruma::api::client::read_marker::set_read_marker::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn read_markers(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let receipt = |kind| Mark::Receipt(kind, ReceiptThreadKey::Unthreaded);
    for (event_id, mark) in [
        (request.fully_read, Mark::FullyRead),
        (request.read_receipt, receipt(ReceiptKind::Read)),
        (request.private_read_receipt, receipt(ReceiptKind::ReadPrivate)),
    ] {
        if let Some(event_id) = event_id {
            rooms.mark_read(&requester.user_id, &request.room_id, &event_id, &mark).await?;
        }
    }
    Ok(Answer(Response::new()))
}
