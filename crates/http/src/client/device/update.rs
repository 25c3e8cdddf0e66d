//! `PUT /_matrix/client/v3/devices/{deviceId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3devicesdeviceid)).

use axum::extract::State;
use pli_accounts::Devices;
use ruma::api::client::device::update_device::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn update(
    State(devices): State<Devices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let user_id = &requester.user_id;
    match request.display_name {
        Some(name) => devices.rename(user_id, &request.device_id, Some(name)).await?,
        // Without a new name nothing changes, but the device has to be there.
        None => {
            devices.get(user_id, &request.device_id).await?;
        }
    }
    Ok(Answer(Response::new()))
}
