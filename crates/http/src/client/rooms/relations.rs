//! `GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}[/{relType}[/{eventType}]]`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventid)).

use axum::extract::State;
use pli_accounts::Requester;
use pli_rooms::{RelationsRequest, Rooms};
use pli_store::{Direction, Store};
use ruma::{
    EventId, RoomId, UInt,
    api::{
        Direction as RequestDirection,
        client::relations::{
            get_relating_events, get_relating_events_with_rel_type as with_rel_type,
            get_relating_events_with_rel_type_and_event_type as with_rel_type_and_event_type,
        },
    },
    events::AnyMessageLikeEvent,
    serde::Raw,
};

use super::{limit, reader, token};
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

/// How many events a page has unless the client says otherwise.
const DEFAULT_LIMIT: usize = 50;

pub(in crate::client) async fn relations(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<get_relating_events::v1::Request>,
) -> Reply<get_relating_events::v1::Response> {
    let asked = Asked {
        room_id: &request.room_id,
        event_id: &request.event_id,
        rel_type: None,
        event_type: None,
        from: request.from.as_deref(),
        to: request.to.as_deref(),
        dir: request.dir,
        limit: request.limit,
        recurse: request.recurse,
    };
    let page = read(&rooms, &store, &requester, asked).await?;
    let mut response = get_relating_events::v1::Response::new(page.chunk);
    response.next_batch = page.next_batch;
    response.prev_batch = request.from;
    response.recursion_depth = page.recursion_depth;
    Ok(Answer(response))
}

pub(in crate::client) async fn relations_of_type(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<with_rel_type::v1::Request>,
) -> Reply<with_rel_type::v1::Response> {
    let rel_type = request.rel_type.to_string();
    let asked = Asked {
        room_id: &request.room_id,
        event_id: &request.event_id,
        rel_type: Some(&rel_type),
        event_type: None,
        from: request.from.as_deref(),
        to: request.to.as_deref(),
        dir: request.dir,
        limit: request.limit,
        recurse: request.recurse,
    };
    let page = read(&rooms, &store, &requester, asked).await?;
    let mut response = with_rel_type::v1::Response::new(page.chunk);
    response.next_batch = page.next_batch;
    response.prev_batch = request.from;
    response.recursion_depth = page.recursion_depth;
    Ok(Answer(response))
}

pub(in crate::client) async fn relations_of_types(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<with_rel_type_and_event_type::v1::Request>,
) -> Reply<with_rel_type_and_event_type::v1::Response> {
    let (rel_type, event_type) = (request.rel_type.to_string(), request.event_type.to_string());
    let asked = Asked {
        room_id: &request.room_id,
        event_id: &request.event_id,
        rel_type: Some(&rel_type),
        event_type: Some(&event_type),
        from: request.from.as_deref(),
        to: request.to.as_deref(),
        dir: request.dir,
        limit: request.limit,
        recurse: request.recurse,
    };
    let page = read(&rooms, &store, &requester, asked).await?;
    let mut response = with_rel_type_and_event_type::v1::Response::new(page.chunk);
    response.next_batch = page.next_batch;
    response.prev_batch = request.from;
    response.recursion_depth = page.recursion_depth;
    Ok(Answer(response))
}

struct Asked<'a> {
    room_id: &'a RoomId,
    event_id: &'a EventId,
    rel_type: Option<&'a str>,
    event_type: Option<&'a str>,
    from: Option<&'a str>,
    to: Option<&'a str>,
    dir: RequestDirection,
    limit: Option<UInt>,
    recurse: bool,
}

struct Page {
    chunk: Vec<Raw<AnyMessageLikeEvent>>,
    next_batch: Option<String>,
    recursion_depth: Option<UInt>,
}

async fn read(
    rooms: &Rooms,
    store: &Store,
    requester: &Requester,
    asked: Asked<'_>,
) -> Result<Page, MatrixError> {
    let request = RelationsRequest {
        event_id: asked.event_id,
        rel_type: asked.rel_type,
        event_type: asked.event_type,
        from: token(asked.from)?,
        to: token(asked.to)?,
        direction: match asked.dir {
            RequestDirection::Backward => Direction::Backward,
            RequestDirection::Forward => Direction::Forward,
        },
        limit: asked.limit.map_or(DEFAULT_LIMIT, limit),
        recurse: asked.recurse,
    };
    let snapshot = store.snapshot().await?;
    let page = rooms.relations(&snapshot, &requester.user_id, asked.room_id, request).await?;
    Ok(Page {
        chunk: rooms.client_events(&snapshot, reader(requester), &page.events).await?,
        next_batch: page.next.map(|next| next.to_string()),
        recursion_depth: page.recursion_depth.map(UInt::from),
    })
}
