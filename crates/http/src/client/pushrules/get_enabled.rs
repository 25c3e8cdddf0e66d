//! `GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidenabled)).

use axum::extract::State;
use pli_push::{PushError, PushRules};
use ruma::api::client::push::get_pushrule_enabled::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get_enabled(
    State(rules): State<PushRules>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let rules = rules.current(&requester.user_id).await?;
    let rule = rules.get(request.kind, &request.rule_id).ok_or(PushError::RuleNotFound)?;
    Ok(Answer(Response::new(rule.enabled())))
}
