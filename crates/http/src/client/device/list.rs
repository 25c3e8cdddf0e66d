//! `GET /_matrix/client/v3/devices`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devices)).

use axum::extract::State;
use pli_accounts::Devices;
use ruma::api::client::device::get_devices::v3::{Request, Response};

use super::as_api;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn list(
    State(devices): State<Devices>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    let devices = devices.list(&requester.user_id).await?;
    Ok(Answer(Response::new(devices.into_iter().map(as_api).collect())))
}
