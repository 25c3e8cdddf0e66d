//! `POST /_matrix/client/v3/pushers/set`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset)).

use axum::extract::State;
use pli_push::Pushers;
use ruma::api::client::push::set_pusher::v3::{PusherAction, Request, Response};
use serde_json::{Map, Value};

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
        PusherAction::Post(data) => {
            let enabled = enabled(&content)?;
            pushers.set(&requester, &data.pusher, data.append, enabled).await?;
        }
        PusherAction::Delete(ids) => pushers.remove(&requester.user_id, &ids).await?,
        _ => return Err(MatrixError::invalid_param("kind: not http and not null")),
    }
    Ok(Answer(Response::new()))
}

/// Whether the pusher is to tell anything, if the request says so
/// ([MSC3881](https://github.com/matrix-org/matrix-spec-proposals/pull/3881)).
fn enabled(content: &Map<String, Value>) -> Result<Option<bool>, MatrixError> {
    const NAME: &str = "org.matrix.msc3881.enabled";
    match content.get(NAME) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(enabled)) => Ok(Some(*enabled)),
        Some(_) => Err(MatrixError::bad_json(format!("`{NAME}` is true or false"))),
    }
}
