//! `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid)).

use axum::extract::State;
use pli_push::{PushRules, RuleScope};
use ruma::api::client::push::set_pushrule::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn put(
    State(rules): State<PushRules>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let scope = RuleScope { before: request.before, after: request.after };
    rules.put(&requester.user_id, request.rule, &scope).await?;
    Ok(Answer(Response::new()))
}
