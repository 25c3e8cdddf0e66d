//! `GET /_matrix/client/v3/rooms/{roomId}/messages`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages)).

use axum::extract::State;
use pli_rooms::{HistoryRequest, Rooms};
use pli_store::{Direction, Store};
use ruma::api::{
    Direction as RequestDirection,
    client::message::get_message_events::v3::{Request, Response},
};

use super::{limit, reader, token};
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn messages(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let history = HistoryRequest {
        from: token(request.from.as_deref())?,
        to: token(request.to.as_deref())?,
        direction: match request.dir {
            RequestDirection::Backward => Direction::Backward,
            RequestDirection::Forward => Direction::Forward,
        },
        limit: limit(request.limit),
        filter: &request.filter,
    };
    let snapshot = store.snapshot().await?;
    let page = rooms.history(&snapshot, &requester.user_id, &request.room_id, history).await?;
    let reader = reader(&requester);
    let mut response = Response::new();
    response.start = page.start.to_string();
    response.end = page.end.map(|end| end.to_string());
    response.chunk = rooms.client_events(&snapshot, reader, &page.events).await?;
    response.state = rooms.client_events(&snapshot, reader, &page.state).await?;
    Ok(Answer(response))
}
