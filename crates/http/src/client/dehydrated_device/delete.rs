//! `DELETE /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device`.

use axum::extract::State;
use pli_accounts::DehydratedDevices;
use ruma::api::client::dehydrated_device::delete_dehydrated_device::unstable::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete(
    State(dehydrated_devices): State<DehydratedDevices>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    let device_id = dehydrated_devices.delete(&requester.user_id).await?;
    Ok(Answer(Response::new(device_id)))
}
