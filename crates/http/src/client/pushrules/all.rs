//! `GET /_matrix/client/v3/pushrules/`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrules)).

use axum::extract::State;
use pli_push::PushRules;
use ruma::api::client::push::get_pushrules_all::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn all(
    State(rules): State<PushRules>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    let rules = rules.current(&requester.user_id).await?;
    Ok(Answer(Response::new((*rules).clone())))
}
