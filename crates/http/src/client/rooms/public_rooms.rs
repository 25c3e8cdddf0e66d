//! `GET /_matrix/client/v3/publicRooms`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms)).

use axum::extract::State;
use pli_rooms::Rooms;
use ruma::{
    api::client::directory::get_public_rooms::v3::{Request, Response},
    directory::Filter,
};

use super::public_page::{Page, page};
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn public_rooms(
    State(rooms): State<Rooms>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let listed = rooms.listed_rooms().await?;
    let Page { chunk, next_batch, prev_batch, total } =
        page(&rooms, listed, &Filter::new(), request.since.as_deref(), request.limit).await?;
    let mut response = Response::new(chunk);
    response.next_batch = next_batch;
    response.prev_batch = prev_batch;
    response.total_room_count_estimate = Some(total);
    Ok(Answer(response))
}
