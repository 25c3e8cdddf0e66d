//! `GET /_matrix/client/v3/pushers`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers)).

use axum::extract::State;
use pli_push::Pushers;
use ruma::api::client::push::get_pushers::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(super) async fn list(
    State(pushers): State<Pushers>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    Ok(Answer(Response::new(pushers.list(&requester.user_id).await?)))
}
