//! `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions)).

use axum::extract::State;
use pli_push::PushRules;
use ruma::api::client::push::set_pushrule_actions::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn put_actions(
    State(rules): State<PushRules>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let Request { kind, rule_id, actions, .. } = request;
    rules.set_actions(&requester.user_id, kind, &rule_id, actions).await?;
    Ok(Answer(Response::new()))
}
