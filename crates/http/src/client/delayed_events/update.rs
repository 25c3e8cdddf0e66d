//! `POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/{action}`.
//!
//! Needs no access token: whoever knows the id may, as the services do that clients hand it to.

use axum::extract::State;
use pli_rooms::DelayedEvents;
use ruma::api::client::delayed_events::update_delayed_event::unstable_v2::{Request, Response};

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
