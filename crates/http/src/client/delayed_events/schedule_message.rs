//! `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}?org.matrix.msc4140.delay=…`.

use axum::extract::State;
use pli_rooms::{DelayedEvents, ScheduleEvent};
use ruma::api::client::{
    delayed_events::delayed_message_event::unstable::Response,
    message::send_message_event::v3::Request,
};

use super::Delay;
use crate::extract::{Answer, Reply, Ruma};

pub(super) async fn schedule_message(
    State(delayed_events): State<DelayedEvents>,
    Delay(delay): Delay,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    let delay_id = delayed_events
        .schedule(ScheduleEvent {
            sender: requester.user_id,
            device_id: requester.device_id,
            room_id: request.room_id,
            event_type: request.event_type.into(),
            state_key: None,
            content: request.body.into_json(),
            sticky: request.sticky_duration_ms,
            delay,
            transaction_id: Some(request.txn_id),
        })
        .await?;
    Ok(Answer(Response::new(delay_id)))
}
