//! `POST /_matrix/client/v3/pushers/set`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset)).

use axum::extract::State;
use pli_push::Pushers;
use ruma::api::client::push::set_pusher::v3::{PusherAction, Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma, content::WithContent},
};

pub(super) async fn set(
    State(pushers): State<Pushers>,
    WithContent { ruma: Ruma { request, requester }, content }: WithContent<Request>,
) -> Reply<Response> {
    // `null` removes a pusher; no kind at all says nothing.
    if !content.contains_key("kind") {
        return Err(MatrixError::missing_param("kind: missing"));
    }
    match request.action {
        PusherAction::Post(data) => pushers.set(&requester, &data.pusher, data.append).await?,
        PusherAction::Delete(ids) => pushers.remove(&requester.user_id, &ids).await?,
        _ => return Err(MatrixError::invalid_param("kind: not http and not null")),
    }
    Ok(Answer(Response::new()))
}
