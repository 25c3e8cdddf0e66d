//! `GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}`: one of one's own.

use axum::{Json, extract::State};
use pli_rooms::DelayedEvents;
use ruma::api::client::delayed_events::get_delayed_event::unstable::Request;

use super::item::Item;
use crate::{MatrixError, extract::Ruma};

pub(in crate::client) async fn get(
    State(delayed_events): State<DelayedEvents>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<Item>, MatrixError> {
    let event = delayed_events.get(&requester.user_id, &request.delay_id).await?;
    Ok(Json(Item::try_from(event)?))
}
