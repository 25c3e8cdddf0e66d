//! Rooms seen from outside: spaces, summaries, rooms that two people share (client-server API,
//! sections "Spaces", "Room Summaries", "Mutual Rooms").

mod hierarchy;
mod mutual_rooms;
mod preview_body;
mod room_summary;

use axum::{Router, routing::get};
use ruma::api::client::{membership::get_mutual_rooms, room::get_summary, space::get_hierarchy};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint_with_unstable::<get_hierarchy::v1::Request, _, _>(hierarchy::hierarchy)
        .endpoint_with_unstable::<get_summary::v1::Request, _, _>(room_summary::room_summary)
        // MSC3266 had the words the other way round before.
        .route(
            "/_matrix/client/unstable/im.nheko.summary/summary/{room_id_or_alias}",
            get(room_summary::room_summary),
        )
        .endpoint::<get_mutual_rooms::v1::Request, _, _>(mutual_rooms::mutual_rooms)
        .endpoint_with_unstable::<get_mutual_rooms::unstable::Request, _, _>(
            mutual_rooms::unstable_mutual_rooms,
        )
}
