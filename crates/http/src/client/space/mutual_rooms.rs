//! `GET /_matrix/client/v1/mutual_rooms`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms)).

use std::collections::HashSet;

use axum::extract::State;
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::{
    OwnedRoomId, UInt, UserId,
    api::client::membership::get_mutual_rooms::{unstable, v1},
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

/// How many rooms a page has.
const PAGE: usize = 500;

pub(in crate::client) async fn mutual_rooms(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<v1::Request>,
) -> Reply<v1::Response> {
    let other = &request.user_id;
    let found = page(&rooms, &store, &requester.user_id, other, request.from.as_deref()).await?;
    let count = UInt::new_saturating(u64::try_from(found.count).unwrap_or(u64::MAX));
    let mut response = v1::Response::new(count, found.rooms);
    response.next_batch = found.next_batch;
    Ok(Answer(response))
}

/// The same before it was in the specification.
pub(in crate::client) async fn unstable_mutual_rooms(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<unstable::Request>,
) -> Reply<unstable::Response> {
    let other = &request.user_id;
    let found = page(&rooms, &store, &requester.user_id, other, request.from.as_deref()).await?;
    let mut response = unstable::Response::new(found.rooms);
    response.next_batch = found.next_batch;
    Ok(Answer(response))
}

struct Page {
    rooms: Vec<OwnedRoomId>,
    /// How many there are in all.
    count: usize,
    next_batch: Option<String>,
}

/// A page of the rooms in which both are, in the order of their ids. A token is the last id before
/// the page.
async fn page(
    rooms: &Rooms,
    store: &Store,
    user_id: &UserId,
    other: &UserId,
    from: Option<&str>,
) -> Result<Page, MatrixError> {
    if user_id == other {
        return Err(MatrixError::invalid_param("user_id: you share all your rooms with yourself"));
    }
    let after = match from {
        Some(from) => Some(
            OwnedRoomId::try_from(from)
                .map_err(|_| MatrixError::invalid_param("from: not a token of this server's"))?,
        ),
        None => None,
    };
    let snapshot = store.snapshot().await?;
    let own: HashSet<_> = rooms.joined_rooms(&snapshot, user_id).await?.into_iter().collect();
    let mut mutual = rooms.joined_rooms(&snapshot, other).await?;
    mutual.retain(|room_id| own.contains(room_id));
    mutual.sort_unstable();
    let count = mutual.len();
    mutual.retain(|room_id| after.as_ref().is_none_or(|after| room_id > after));
    let has_more = mutual.len() > PAGE;
    mutual.truncate(PAGE);
    let next_batch = mutual.last().filter(|_| has_more).map(ToString::to_string);
    Ok(Page { rooms: mutual, count, next_batch })
}
