//! `PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}?org.matrix.msc4140.delay=…`.

use axum::extract::State;
use pli_rooms::{DelayedEvents, ScheduleEvent};
use ruma::api::client::{
    delayed_events::delayed_state_event::unstable::Response, state::send_state_event::v3::Request,
};

use super::Delay;
use crate::{
    client::rooms::set_state::check_is_not_membership,
    extract::{Answer, Reply, Ruma},
};

pub(super) async fn schedule_state(
    State(delayed_events): State<DelayedEvents>,
    Delay(delay): Delay,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    requester.check_may_speak()?;
    check_is_not_membership(&requester, &request.event_type)?;
    let delay_id = delayed_events
        .schedule(ScheduleEvent {
            sender: requester.user_id,
            device_id: requester.device_id,
            room_id: request.room_id,
            event_type: request.event_type.into(),
            state_key: Some(request.state_key),
            content: request.body.into_json(),
            sticky: request.sticky_duration_ms,
            delay,
            transaction_id: None,
        })
        .await?;
    Ok(Answer(Response::new(delay_id)))
}
