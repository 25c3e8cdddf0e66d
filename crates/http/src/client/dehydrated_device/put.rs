//! `PUT /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device`.

use axum::extract::State;
use pli_accounts::{DehydratedDevices, dehydrated::NewDehydratedDevice, keys::KeyUpload};
use ruma::api::client::dehydrated_device::put_dehydrated_device::unstable::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn put(
    State(dehydrated_devices): State<DehydratedDevices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    // What nobody could ever unpack is not worth keeping.
    request
        .device_data
        .deserialize()
        .map_err(|error| MatrixError::bad_json(format!("device_data: {error}")))?;
    let device = NewDehydratedDevice {
        device_id: request.device_id,
        display_name: request.initial_device_display_name,
        data: request.device_data.into_json(),
        keys: KeyUpload {
            device_keys: Some(request.device_keys),
            one_time_keys: request.one_time_keys,
            fallback_keys: request.fallback_keys,
        },
    };
    dehydrated_devices.put(&requester.user_id, &device).await?;
    Ok(Answer(Response::new(device.device_id)))
}
