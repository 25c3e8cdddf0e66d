//! `POST /_matrix/client/v3/keys/upload`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysupload)).

use axum::extract::State;
use pli_accounts::keys::{DeviceKeys, KeyUpload};
use ruma::{
    UInt,
    api::client::keys::upload_keys::v3::{Request, Response},
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn upload(
    State(keys): State<DeviceKeys>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let upload = KeyUpload {
        device_keys: request.device_keys,
        one_time_keys: request.one_time_keys,
        fallback_keys: request.fallback_keys,
    };
    let device_id = requester.device().ok_or_else(|| {
        MatrixError::missing_param("name the device whose keys these are: device_id in the query")
    })?;
    let counts = keys.upload(&requester.user_id, device_id, &upload).await?;
    let counts = counts
        .one_time_keys
        .into_iter()
        .map(|(algorithm, count)| (algorithm, UInt::new_saturating(count)));
    Ok(Answer(Response::new(counts.collect())))
}
