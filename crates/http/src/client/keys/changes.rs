//! `GET /_matrix/client/v3/keys/changes`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3keyschanges)).

use axum::extract::State;
use pli_sync::{Sync, SyncError};
use ruma::api::client::keys::get_key_changes::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn changes(
    State(sync): State<Sync>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let from = request.from.parse().map_err(SyncError::from)?;
    let lists = sync.key_changes(requester.user_id, requester.device_id, from).await?;
    Ok(Answer(Response::new(lists.changed, lists.left)))
}
