//! `GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey)).

use axum::extract::State;
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::{
    api::client::state::get_state_event_for_key::v3::{Request, Response, StateEventFormat},
    events::AnyStateEvent,
};

use super::reader;
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn get_state(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let snapshot = store.snapshot().await?;
    let event = rooms
        .state_event_for(
            &snapshot,
            &requester.user_id,
            &request.room_id,
            &request.event_type,
            &request.state_key,
        )
        .await?;
    if request.format != StateEventFormat::Event {
        return Ok(Answer(Response::new(event.pdu.content().to_owned())));
    }
    let mut formatted =
        rooms.client_events::<AnyStateEvent>(&snapshot, reader(&requester), &[event]).await?;
    let event = formatted.pop().ok_or_else(|| MatrixError::internal("an event was lost"))?;
    Ok(Answer(Response::new(event.into_json())))
}
