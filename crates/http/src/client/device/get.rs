//! `GET /_matrix/client/v3/devices/{deviceId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devicesdeviceid)).

use axum::extract::State;
use pli_accounts::Devices;
use ruma::api::client::device::get_device::v3::{Request, Response};

use super::as_api;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get(
    State(devices): State<Devices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let device = devices.get(&requester.user_id, &request.device_id).await?;
    Ok(Answer(Response::new(as_api(device))))
}
