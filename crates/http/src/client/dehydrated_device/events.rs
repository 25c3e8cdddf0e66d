//! `POST /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events`.

use axum::extract::State;
use pli_accounts::DehydratedDevices;
use pli_store::Position;
use ruma::{
    api::client::dehydrated_device::get_events::unstable::{Request, Response},
    serde::Raw,
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn events(
    State(dehydrated_devices): State<DehydratedDevices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let after =
        match request.next_batch.as_deref() {
            None | Some("") => Position::ZERO,
            Some(token) => Position(token.parse().map_err(|_| {
                MatrixError::invalid_param("`next_batch` is not one of this server's")
            })?),
        };
    let messages =
        dehydrated_devices.messages(&requester.user_id, &request.device_id, after).await?;
    let events = messages.events.into_iter().map(Raw::from_json).collect();
    let mut response = Response::new(events);
    response.next_batch = Some(messages.next.to_string());
    Ok(Answer(response))
}
