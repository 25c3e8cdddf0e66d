//! `POST /_matrix/client/v3/logout`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout)).

use axum::extract::State;
use pli_accounts::Devices;
use ruma::api::client::session::logout::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn logout(
    State(devices): State<Devices>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    devices.remove(&requester.user_id, &[requester.device_id]).await?;
    Ok(Answer(Response::new()))
}
