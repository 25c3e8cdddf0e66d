//! `DELETE /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid)).

use axum::extract::State;
use pli_push::PushRules;
use ruma::api::client::push::delete_pushrule::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn delete(
    State(rules): State<PushRules>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    rules.remove(&requester.user_id, request.kind, &request.rule_id).await?;
    Ok(Answer(Response::new()))
}
