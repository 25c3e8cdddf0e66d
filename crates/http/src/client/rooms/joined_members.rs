//! `GET /_matrix/client/v3/rooms/{roomId}/joined_members`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidjoinedmembers)).

use axum::extract::State;
use pli_appservice::AppServices;
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::api::client::membership::joined_members::v3::{Request, Response, RoomMember};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn joined_members(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let reader = app_services.reader_of_members(&requester, &request.room_id).await?;
    let snapshot = store.snapshot().await?;
    let members = rooms.joined_members_for(&snapshot, &reader, &request.room_id).await?;
    let joined = members.into_iter().map(|member| {
        let mut shown = RoomMember::new();
        shown.display_name = member.row.display_name;
        shown.avatar_url = member.row.avatar_url;
        (member.user_id, shown)
    });
    Ok(Answer(Response::new(joined.collect())))
}
