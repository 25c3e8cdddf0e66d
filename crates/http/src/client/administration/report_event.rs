//! `POST /_matrix/client/v3/rooms/{roomId}/report/{eventId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreporteventid)).

use axum::extract::State;
use pli_accounts::reports::{Report, Reported, Reports};
use pli_rooms::Rooms;
use pli_store::Store;
use ruma::api::client::room::report_content::v3::{Request, Response};

use crate::{
    extract::{Answer, Reply, Ruma},
    layer::rate_limit::RateLimiter,
};

pub(in crate::client) async fn report_event(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    State(reports): State<Reports>,
    State(limiter): State<RateLimiter>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    // Each report is kept: the specification doesn't limit them, this server does.
    limiter.requester(&requester)?;
    let Request { room_id, event_id, reason, .. } = request;
    let snapshot = store.snapshot().await?;
    // Only what somebody can see can they report.
    let event = rooms.event_for(&snapshot, &requester.user_id, &room_id, &event_id).await?;
    drop(snapshot);
    let sender = event.pdu.sender().to_owned();
    let reported = Reported::Event { room_id, event_id, sender };
    let reason = reason.unwrap_or_default();
    reports.file(&Report { by: requester.user_id, reported, reason }).await?;
    Ok(Answer(Response::new()))
}
