//! `GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event)).

use axum::extract::State;
use pli_rooms::Rooms;
use pli_store::{Direction, Store};
use ruma::api::{
    Direction as RequestDirection,
    client::room::get_event_by_timestamp::v1::{Request, Response},
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn timestamp_to_event(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let direction = match request.dir {
        RequestDirection::Backward => Direction::Backward,
        RequestDirection::Forward => Direction::Forward,
    };
    let snapshot = store.snapshot().await?;
    let event = rooms
        .event_at(&snapshot, &requester.user_id, &request.room_id, request.ts, direction)
        .await?;
    Ok(Answer(Response::new(event.event_id().to_owned(), event.pdu.origin_server_ts())))
}
