//! `GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events`, and `POST`
//! as clients asked for it before July 2026.

use axum::{
    Json,
    extract::{Query, State},
};
use pli_accounts::DehydratedDevices;
use pli_store::Position;
use ruma::{
    OwnedDeviceId,
    api::client::dehydrated_device::get_events::unstable::{Request, Response},
    serde::Raw,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    MatrixError,
    extract::{Answer, Authenticated, Reply, Ruma, path::PathArguments},
};

#[derive(Deserialize)]
pub(super) struct Parameters {
    from: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Events {
    events: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
}

pub(super) async fn events(
    State(dehydrated_devices): State<DehydratedDevices>,
    Authenticated(requester): Authenticated,
    PathArguments(device_id): PathArguments<OwnedDeviceId>,
    Query(Parameters { from }): Query<Parameters>,
) -> Result<Json<Events>, MatrixError> {
    let after = position("from", from.as_deref())?;
    let messages = dehydrated_devices.messages(&requester.user_id, &device_id, after).await?;
    // Clients have everything once there is no token.
    let next_batch = messages.has_more.then(|| messages.next.to_string());
    Ok(Json(Events { events: messages.events, next_batch }))
}

pub(super) async fn events_by_post(
    State(dehydrated_devices): State<DehydratedDevices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let after = position("next_batch", request.next_batch.as_deref())?;
    let messages =
        dehydrated_devices.messages(&requester.user_id, &request.device_id, after).await?;
    let events = messages.events.into_iter().map(Raw::from_json).collect();
    let mut response = Response::new(events);
    // Clients that ask in this way have everything once there are no events.
    response.next_batch = Some(messages.next.to_string());
    Ok(Answer(response))
}

fn position(name: &str, token: Option<&str>) -> Result<Position, MatrixError> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(Position::ZERO);
    };
    let not_ours = |_| MatrixError::invalid_param(format!("`{name}` is not one of this server's"));
    token.parse().map(Position).map_err(not_ours)
}
