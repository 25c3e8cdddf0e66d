//! `GET /_matrix/client/v3/devices`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devices)).

use axum::{Json, extract::State};
use pli_accounts::Devices;
use ruma::api::client::device::get_devices::v3::Request;
use serde::Serialize;

use super::DeviceBody;
use crate::{MatrixError, extract::Ruma};

pub(in crate::client) async fn list(
    State(devices): State<Devices>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Result<Json<Body>, MatrixError> {
    let devices = devices.list(&requester.user_id).await?;
    Ok(Json(Body { devices: devices.into_iter().map(DeviceBody::from).collect() }))
}

#[derive(Serialize)]
pub(in crate::client) struct Body {
    devices: Vec<DeviceBody>,
}
