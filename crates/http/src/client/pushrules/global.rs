//! `GET /_matrix/client/v3/pushrules/global/`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobal)).

use axum::extract::State;
use pli_push::PushRules;
use ruma::api::client::push::get_pushrules_global_scope::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn global(
    State(rules): State<PushRules>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Reply<Response> {
    let rules = rules.current(&requester.user_id).await?;
    Ok(Answer(Response::new((*rules).clone())))
}
