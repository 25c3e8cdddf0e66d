//! `GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events`: one's own that wait.

use axum::extract::State;
use pli_rooms::DelayedEvents;
use ruma::api::client::delayed_events::get_all_delayed_events::unstable::{Request, Response};

use super::data;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn all(
    State(delayed_events): State<DelayedEvents>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    let events = delayed_events.scheduled(&requester.user_id).await?;
    let events = events.into_iter().map(data).collect::<Result<_, _>>()?;
    Ok(Answer(Response::new(events)))
}
