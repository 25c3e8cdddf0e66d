//! How clients followed rooms before there was `/sync` (client-server API, deprecated endpoints of
//! sections "Syncing" and "Getting events for a room"). Served over what serves their successors.

mod event;
mod events;
mod initial_sync;
mod room_initial_sync;

use axum::{Router, routing::get};

use crate::{AppState, MatrixError};

pub(super) fn routes() -> Router<AppState> {
    let mut router = Router::new();
    for version in ["r0", "v3"] {
        let client = format!("/_matrix/client/{version}");
        router = router
            .route(&format!("{client}/events"), get(events::events))
            .route(&format!("{client}/events/{{event_id}}"), get(event::event))
            .route(&format!("{client}/initialSync"), get(initial_sync::initial_sync))
            .route(
                &format!("{client}/rooms/{{room_id}}/initialSync"),
                get(room_initial_sync::room_initial_sync),
            );
    }
    router
}

/// How many events of a room come where the client doesn't say, and at most.
const USUAL_LIMIT: usize = 20;
const MAX_LIMIT: usize = 500;

/// An event of one room, with the room's id in it.
fn in_room(
    room_id: &ruma::RoomId,
    event: &serde_json::value::RawValue,
) -> Result<serde_json::Value, MatrixError> {
    let mut event: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(event.get()).map_err(MatrixError::internal)?;
    event.insert("room_id".to_owned(), room_id.as_str().into());
    Ok(event.into())
}
