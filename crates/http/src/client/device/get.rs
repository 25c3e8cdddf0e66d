//! `GET /_matrix/client/v3/devices/{deviceId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devicesdeviceid)).

use axum::{Json, extract::State};
use pli_accounts::Devices;
use ruma::api::client::device::get_device::v3::Request;

use super::DeviceBody;
use crate::{MatrixError, extract::Ruma};

pub(in crate::client) async fn get(
    State(devices): State<Devices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<DeviceBody>, MatrixError> {
    let device = devices.get(&requester.user_id, &request.device_id).await?;
    Ok(Json(device.into()))
}
