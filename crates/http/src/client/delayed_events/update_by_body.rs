//! `POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}`, with the action in the
//! body, as earlier clients do it.

use axum::extract::State;
use pli_rooms::DelayedEvents;
use ruma::api::client::delayed_events::update_delayed_event::unstable_v1::{Request, Response};

use super::action;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn update(
    State(delayed_events): State<DelayedEvents>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    let action = action(&request.action)?;
    delayed_events.update(&request.delay_id, action).await?;
    Ok(Answer(Response::new()))
}
