//! `GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events`: one's own that wait.

use axum::{Json, extract::State};
use pli_rooms::DelayedEvents;
use ruma::api::client::delayed_events::get_all_delayed_events::unstable::Request;
use serde::Serialize;

use super::item::Item;
use crate::{MatrixError, extract::Ruma};

#[derive(Serialize)]
pub(in crate::client) struct Scheduled {
    delayed_events: Vec<Item>,
}

pub(in crate::client) async fn all(
    State(delayed_events): State<DelayedEvents>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Result<Json<Scheduled>, MatrixError> {
    let events = delayed_events.scheduled(&requester.user_id).await?;
    let delayed_events = events.into_iter().map(Item::try_from).collect::<Result<_, _>>()?;
    Ok(Json(Scheduled { delayed_events }))
}
