//! `PUT /_matrix/client/v3/devices/{deviceId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3devicesdeviceid)).

use axum::extract::State;
use http::StatusCode;
use pli_accounts::Devices;
use ruma::api::client::device::update_device::v3::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Ruma},
};

pub(in crate::client) async fn update(
    State(devices): State<Devices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<(StatusCode, Answer<Response>), MatrixError> {
    let user_id = &requester.user_id;
    // Application services create devices by naming them (MSC4190).
    if requester.is_app_service() {
        let is_new = devices.create(user_id, &request.device_id, request.display_name).await?;
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        return Ok((status, Answer(Response::new())));
    }
    match request.display_name {
        Some(name) => devices.rename(user_id, &request.device_id, Some(name)).await?,
        // Without a new name nothing changes, but the device has to be there.
        None => {
            devices.get(user_id, &request.device_id).await?;
        }
    }
    Ok((StatusCode::OK, Answer(Response::new())))
}
