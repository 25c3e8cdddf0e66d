//! `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid)).

use axum::{
    body::Body,
    extract::{self, FromRequest, State},
};
use bytes::Bytes;
use pli_push::{PushRules, RuleScope};
use ruma::api::client::push::set_pushrule::v3::{Request, Response};
use serde_json::{Map, Value};

use crate::{
    MatrixError,
    extract::{Answer, MAX_JSON_BODY, Reply, Ruma, read_body},
};

pub(in crate::client) async fn put(
    State(rules): State<PushRules>,
    RuleRequest(Ruma { request, requester }): RuleRequest,
) -> Reply<Response> {
    let scope = RuleScope { before: request.before, after: request.after };
    rules.put(&requester.user_id, request.rule, &scope).await?;
    Ok(Answer(Response::new()))
}

/// A rule to set. A rule without conditions always matches, and the specification lets clients leave
/// them out; ruma doesn't.
pub(in crate::client) struct RuleRequest(Ruma<Request>);

impl<S> FromRequest<S> for RuleRequest
where
    S: Send + Sync,
    Ruma<Request>: FromRequest<S, Rejection = MatrixError>,
{
    type Rejection = MatrixError;

    async fn from_request(request: extract::Request, state: &S) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        let body = with_conditions(read_body(body, MAX_JSON_BODY).await?);
        let request = extract::Request::from_parts(parts, Body::from(body));
        Ruma::from_request(request, state).await.map(Self)
    }
}

/// What isn't an object stays as it is.
fn with_conditions(body: Bytes) -> Bytes {
    let Ok(mut rule) = serde_json::from_slice::<Map<String, Value>>(&body) else { return body };
    if rule.contains_key("conditions") {
        return body;
    }
    rule.insert("conditions".to_owned(), Value::Array(Vec::new()));
    Bytes::from(Value::Object(rule).to_string())
}
