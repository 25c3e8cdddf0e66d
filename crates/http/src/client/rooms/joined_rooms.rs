//! `GET /_matrix/client/v3/joined_rooms`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3joinedrooms)).

use axum::extract::State;
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::api::client::membership::joined_rooms::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn joined_rooms(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    let snapshot = store.snapshot().await?;
    let joined = rooms.joined_rooms(&snapshot, &requester.user_id).await?;
    Ok(Answer(Response::new(joined)))
}
