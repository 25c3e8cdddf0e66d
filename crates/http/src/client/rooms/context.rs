//! `GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid)).

use std::slice;

use axum::extract::State;
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::api::client::context::get_context::v3::{Request, Response};

use super::{limit, reader, relation_filter::QueryRelationFilter};
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn context(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    QueryRelationFilter(relations): QueryRelationFilter,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let snapshot = store.snapshot().await?;
    let limit = limit(request.limit);
    let context = rooms
        .context(
            &snapshot,
            &requester.user_id,
            &request.room_id,
            &request.event_id,
            (limit / 2, limit - limit / 2),
            &request.filter,
            &relations,
        )
        .await?;
    let reader = reader(&requester);
    let mut response = Response::new();
    response.start = Some(context.start.to_string());
    response.end = Some(context.end.to_string());
    response.event =
        rooms.client_events(&snapshot, reader, slice::from_ref(&context.event)).await?.pop();
    response.events_before = rooms.client_events(&snapshot, reader, &context.before).await?;
    response.events_after = rooms.client_events(&snapshot, reader, &context.after).await?;
    response.state = rooms.client_events(&snapshot, reader, &context.state).await?;
    Ok(Answer(response))
}
