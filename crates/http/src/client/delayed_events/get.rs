//! `GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}`: one of one's own.

use axum::extract::State;
use pli_rooms::DelayedEvents;
use ruma::api::client::delayed_events::get_delayed_event::unstable::{Request, Response};

use super::data;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get(
    State(delayed_events): State<DelayedEvents>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let event = delayed_events.get(&requester.user_id, &request.delay_id).await?;
    Ok(Answer(Response::new(data(event)?)))
}
