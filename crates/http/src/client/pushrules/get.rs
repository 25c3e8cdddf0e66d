//! `GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleid)).

use axum::extract::State;
use pli_push::{PushError, PushRules};
use ruma::api::client::push::get_pushrule::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get(
    State(rules): State<PushRules>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let rules = rules.current(&requester.user_id).await?;
    let rule = rules.get(request.kind, &request.rule_id).ok_or(PushError::RuleNotFound)?;
    Ok(Answer(Response::new(rule.to_owned().into())))
}
