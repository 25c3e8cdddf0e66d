//! `POST /_matrix/client/v3/publicRooms`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3publicrooms)).

use axum::extract::State;
use pli_appservice::{AppServices, Network};
use pli_rooms::Rooms;
use ruma::{
    api::client::directory::get_public_rooms_filtered::v3::{Request, Response},
    directory::RoomNetwork,
};

use super::public_page::{Page, page};
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn search_public_rooms(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    // Networks of application services have lists of their own.
    let listed = match &request.room_network {
        RoomNetwork::Matrix => rooms.listed_rooms().await?,
        RoomNetwork::All => {
            let of_networks = app_services.listed_rooms(None).await?;
            rooms.listed_rooms().await?.into_iter().chain(of_networks).collect()
        }
        RoomNetwork::ThirdParty(instance_id) => match Network::parse(instance_id) {
            Some(network) => app_services.listed_rooms(Some(&network)).await?,
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    let Page { chunk, next_batch, prev_batch, total } =
        page(&rooms, listed, &request.filter, request.since.as_deref(), request.limit).await?;
    let mut response = Response::new();
    response.chunk = chunk;
    response.next_batch = next_batch;
    response.prev_batch = prev_batch;
    response.total_room_count_estimate = Some(total);
    Ok(Answer(response))
}
