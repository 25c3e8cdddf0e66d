//! `PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid)).

use axum::extract::{self, FromRequest, State};
use pli_push::{PushRules, RuleScope};
use ruma::api::client::push::set_pushrule::v3::{Request, Response};
use serde_json::json;

use crate::{
    AppState, MatrixError,
    extract::{Admitted, Answer, Reply, Ruma, body::with_default},
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

impl FromRequest<AppState> for RuleRequest {
    type Rejection = MatrixError;

    async fn from_request(
        request: extract::Request,
        state: &AppState,
    ) -> Result<Self, MatrixError> {
        let (admitted, body) = Box::pin(Admitted::<Request>::read(request, state)).await?;
        let body = with_default(body, "conditions", &json!([]));
        admitted.parse(&body).map(Self)
    }
}
