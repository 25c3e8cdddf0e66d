//! `POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync`
//! ([MSC4186](https://github.com/matrix-org/matrix-spec-proposals/pull/4186)).

use std::time::Duration;

use axum::{Json, extract::State};
use pli_sync::{
    Sync,
    sliding::{SlidingBody, SlidingRequest, SlidingResponse},
};
use ruma::{
    api::{
        IncomingRequest, Metadata, auth_scheme::AccessToken, client::sync::sync_events::v5,
        error::DeserializationError,
    },
    presence::PresenceState,
};
use serde::Deserialize;

use super::sync::{MAX_TIMEOUT, Waiting};
use crate::{MatrixError, extract::Ruma, layer::drain::Drain};

/// Ruma's endpoint with a body that takes both forms of the request.
pub(super) struct Request {
    query: Query,
    body: SlidingBody,
}

#[derive(Deserialize)]
struct Query {
    pos: Option<String>,
    /// In milliseconds.
    timeout: Option<u64>,
    set_presence: Option<PresenceState>,
}

impl Metadata for Request {
    const METHOD: http::Method = v5::Request::METHOD;
    const RATE_LIMITED: bool = v5::Request::RATE_LIMITED;
    type Authentication = AccessToken;
    type PathBuilder = <v5::Request as Metadata>::PathBuilder;
    const PATH_BUILDER: Self::PathBuilder = v5::Request::PATH_BUILDER;
}

impl IncomingRequest for Request {
    type EndpointError = <v5::Request as IncomingRequest>::EndpointError;
    type OutgoingResponse = v5::Response;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        _path_args: &[&str],
    ) -> Result<Self, DeserializationError> {
        let query = serde_html_form::from_str(request.uri().query().unwrap_or_default())?;
        let body = match *request.body() {
            [] => SlidingBody::default(),
            body => serde_json::from_slice(body)?,
        };
        Ok(Self { query, body })
    }
}

pub(super) async fn sliding_sync(
    State(sync): State<Sync>,
    State(drain): State<Drain>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<SlidingResponse>, MatrixError> {
    let Request { query, body } = request;
    let wanted = query.set_presence.or_else(|| body.set_presence.clone()).unwrap_or_default();
    let presence = sync.presence();
    let _present = Box::pin(presence.syncing(&requester, wanted)).await?;
    let timeout = Duration::from_millis(query.timeout.or(body.timeout).unwrap_or_default());
    let request = SlidingRequest {
        user_id: requester.user_id,
        device_id: requester.device_id,
        pos: query.pos.or_else(|| body.pos.clone()),
        timeout: timeout.min(MAX_TIMEOUT),
        body,
    };
    let _waiting = Waiting::begin();
    Ok(Json(sync.sliding_sync(&request, drain.begun()).await?))
}
