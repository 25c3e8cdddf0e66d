//! `POST /_matrix/client/v3/delete_devices`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3delete_devices)).

use axum::extract::State;
use pli_accounts::{
    Devices, Sessions, UserInteractive,
    uia::{Fingerprint, Operation},
};
use pli_store::Store;
use ruma::api::client::device::delete_devices::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete_many(
    State(devices): State<Devices>,
    State(user_interactive): State<UserInteractive>,
    State(sessions): State<Sessions>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    // Application services manage their users' devices without a password (MSC4190).
    if requester.is_app_service() {
        devices.remove(&requester.user_id, &request.devices).await?;
        return Ok(Answer(Response::new()));
    }
    sessions.check_not_granted(&requester).await?;
    // Signing nobody out is how the web app makes sure of somebody before it gives up old keys.
    let name = if request.devices.is_empty() { "confirmation" } else { "delete_devices" };
    let operation = Operation::confirmed_by_password(
        name,
        &requester.user_id,
        Fingerprint::of(&request.devices),
    );
    let permit = user_interactive.authorise(&operation, request.auth.as_ref()).await?;
    permit.spend(&store).await?;
    devices.remove(&requester.user_id, &request.devices).await?;
    Ok(Answer(Response::new()))
}
