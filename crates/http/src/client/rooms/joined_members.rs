//! `GET /_matrix/client/v3/rooms/{roomId}/joined_members`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidjoinedmembers)).

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use pli_appservice::AppServices;
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::{OwnedMxcUri, OwnedUserId, api::client::membership::joined_members::v3::Request};
use serde::Serialize;

use crate::{MatrixError, extract::Ruma};

/// Who is in a room.
#[derive(Serialize)]
pub(in crate::client) struct JoinedMembers {
    joined: BTreeMap<OwnedUserId, RoomMember>,
}

/// A member. What they don't have is `null`: clients look for the keys.
#[derive(Serialize)]
struct RoomMember {
    display_name: Option<String>,
    avatar_url: Option<OwnedMxcUri>,
}

pub(in crate::client) async fn joined_members(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<JoinedMembers>, MatrixError> {
    let reader = app_services.reader_of_members(&requester, &request.room_id).await?;
    let snapshot = store.snapshot().await?;
    let members = rooms.joined_members_for(&snapshot, &reader, &request.room_id).await?;
    let joined = members.into_iter().map(|member| {
        let (display_name, avatar_url) = (member.row.display_name, member.row.avatar_url);
        (member.user_id, RoomMember { display_name, avatar_url })
    });
    Ok(Json(JoinedMembers { joined: joined.collect() }))
}
