//! `POST /_matrix/client/v3/logout/all`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logoutall)).

use axum::extract::State;
use pli_accounts::Devices;
use ruma::api::client::session::logout_all::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn logout_all(
    State(devices): State<Devices>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    devices.remove_all(&requester.user_id, None).await?;
    Ok(Answer(Response::new()))
}
