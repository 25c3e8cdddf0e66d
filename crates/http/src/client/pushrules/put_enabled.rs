//! `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled)).

use axum::extract::State;
use pli_push::PushRules;
use ruma::api::client::push::set_pushrule_enabled::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn put_enabled(
    State(rules): State<PushRules>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let Request { kind, rule_id, enabled, .. } = request;
    rules.set_enabled(&requester.user_id, kind, &rule_id, enabled).await?;
    Ok(Answer(Response::new()))
}
