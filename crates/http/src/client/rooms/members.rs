//! `GET /_matrix/client/v3/rooms/{roomId}/members`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers)).

use axum::extract::State;
use pli_rooms::{MembershipKind, PaginationToken, Rooms};
use pli_store::Store;
use ruma::api::client::membership::get_member_events::v3::{Request, Response};

use super::{reader, token};
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn members(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let snapshot = store.snapshot().await?;
    let at = token(request.at.as_deref())?.map(PaginationToken::stamp);
    let included = request.membership.as_ref().map(MembershipKind::of);
    let excluded = request.not_membership.as_ref().map(MembershipKind::of);
    let is_wanted = |kind: MembershipKind| {
        included.is_none_or(|included| kind == included) && excluded != Some(kind)
    };
    let events =
        rooms.members_for(&snapshot, &requester.user_id, &request.room_id, at, is_wanted).await?;
    let events = rooms.client_events(&snapshot, reader(&requester), &events).await?;
    Ok(Answer(Response::new(events)))
}
