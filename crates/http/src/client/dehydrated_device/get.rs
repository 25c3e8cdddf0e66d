//! `GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device`.

use axum::extract::State;
use pli_accounts::DehydratedDevices;
use ruma::{
    api::client::dehydrated_device::get_dehydrated_device::unstable::{Request, Response},
    serde::Raw,
};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get(
    State(dehydrated_devices): State<DehydratedDevices>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    let device = dehydrated_devices.get(&requester.user_id).await?;
    Ok(Answer(Response::new(device.device_id, Raw::from_json(device.data))))
}
