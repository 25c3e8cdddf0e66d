//! `PUT /_matrix/client/unstable/org.matrix.msc4140/rooms/{roomId}/delayed_event/{eventType}/{txnId}`.

use axum::extract::State;
use pli_rooms::{DelayedEvents, ScheduleEvent};
use ruma::api::client::delayed_events::send_delayed_event::unstable::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn schedule(
    State(delayed_events): State<DelayedEvents>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    let delay_id = delayed_events
        .schedule(ScheduleEvent {
            sender: requester.user_id,
            device_id: requester.device_id,
            room_id: request.room_id,
            event_type: request.event_type,
            state_key: request.state_key,
            content: request.content.into_json(),
            sticky: request.sticky_duration_ms,
            delay: request.delay,
            transaction_id: Some(request.txn_id),
        })
        .await?;
    Ok(Answer(Response::new(delay_id)))
}
