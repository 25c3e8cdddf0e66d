//! `PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid)).

use axum::{Router, extract::State};
use pli_accounts::to_device::ToDevice;
use ruma::api::client::to_device::send_event_to_device::v3::{Request, Response};

use crate::{
    AppState,
    extract::{Answer, Reply, Ruma},
    route::RumaRoutes,
};

pub(super) fn routes() -> Router<AppState> {
    Router::new().endpoint::<Request, _, _>(send_to_device)
}

async fn send_to_device(
    State(to_device): State<ToDevice>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let event_type = request.event_type.to_string();
    to_device
        .send(
            &requester.user_id,
            &requester.device_id,
            &event_type,
            request.txn_id.as_str(),
            &request.messages,
        )
        .await?;
    Ok(Answer(Response::new()))
}
