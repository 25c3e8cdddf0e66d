//! `POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid)).

use axum::extract::State;
use pli_rooms::{Mark, ReceiptKind, ReceiptThreadKey, Rooms};
use ruma::{
    api::client::receipt::create_receipt::v3::{ReceiptType, Request, Response},
    events::receipt::ReceiptThread,
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn receipt(
    State(rooms): State<Rooms>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let thread = match request.thread {
        ReceiptThread::Unthreaded => ReceiptThreadKey::Unthreaded,
        ReceiptThread::Main => ReceiptThreadKey::Main,
        ReceiptThread::Thread(root) => ReceiptThreadKey::Thread(root),
        _ => {
            return Err(MatrixError::invalid_param(
                "thread_id is `main` or the id of a thread's first event",
            ));
        }
    };
    let mark = match request.receipt_type {
        ReceiptType::Read => Mark::Receipt(ReceiptKind::Read, thread),
        ReceiptType::ReadPrivate => Mark::Receipt(ReceiptKind::ReadPrivate, thread),
        // The read marker knows no threads.
        ReceiptType::FullyRead if thread == ReceiptThreadKey::Unthreaded => Mark::FullyRead,
        ReceiptType::FullyRead => {
            return Err(MatrixError::invalid_param("m.fully_read takes no thread_id"));
        }
        other => return Err(MatrixError::invalid_param(format!("there is no receipt {other}"))),
    };
    rooms.mark_read(&requester.user_id, &request.room_id, &request.event_id, &mark).await?;
    Ok(Answer(Response::new()))
}
