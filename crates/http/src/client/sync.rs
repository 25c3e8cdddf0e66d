//! `GET /_matrix/client/v3/sync`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync)).

mod body;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{self, FromRef, FromRequest},
    response::{IntoResponse, Response},
};
use metrics::Gauge;
use pli_accounts::filters::{Filters, SyncFilter};
use pli_sync::{Sync, SyncRequest, Syncing};
use ruma::api::client::sync::sync_events::v3::{Filter, Request};

use self::body::{Body, Shape};
use crate::{
    AppState, MatrixError,
    extract::Ruma,
    layer::{
        drain::Drain,
        echo::{Client, Echoes},
        measure::SYNC_REQUESTS,
    },
};

/// The longest that a request waits, whatever the client asks for: proxies cut longer ones off.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) async fn sync(asked: Box<Asked>) -> Result<Response, MatrixError> {
    let _waiting = Waiting::begin();
    let response = asked.sync.sync(&asked.request, asked.drain.begun()).await?;
    asked.echoes.after_answers(&asked.client).await;
    Ok(Json(Body::of(&response, asked.shape)).into_response())
}

/// A parsed request and what it takes to wait for its answer, no more: thousands wait at a time.
pub(super) struct Asked {
    sync: Sync,
    drain: Drain,
    echoes: Echoes,
    client: Client,
    request: SyncRequest,
    shape: Shape,
    _present: Option<Syncing>,
}

impl FromRequest<AppState> for Box<Asked> {
    type Rejection = MatrixError;

    fn from_request(
        request: extract::Request,
        state: &AppState,
    ) -> impl Future<Output = Result<Self, MatrixError>> + Send {
        Box::pin(async { Asked::read(request, state).await.map(Self::new) })
    }
}

impl Asked {
    async fn read(request: extract::Request, state: &AppState) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        let asks_as_before = asks_for_unstable_state_after(parts.uri.query());
        let filter_in_query = filter_in(parts.uri.query());
        let client = Client::of(&parts);
        let request = extract::Request::from_parts(parts, body);
        let Ruma::<Request> { request, requester } = Ruma::from_request(request, state).await?;
        let since = request.since.as_deref().map(str::parse).transpose();
        let filter = match request.filter {
            None => Arc::default(),
            // Ruma takes a filter that it can't read for the id of one.
            Some(Filter::FilterId(id)) if !id.trim_start().starts_with('{') => {
                Filters::from_ref(state).get(&requester.user_id, &id).await?
            }
            Some(_) => Arc::new(SyncFilter::from_json(&filter_in_query.unwrap_or_default())?),
        };
        let sync = Sync::from_ref(state);
        let present = sync.presence().syncing(&requester, request.set_presence).await?;
        let is_stable = request.use_state_after || !asks_as_before;
        let state_after = if is_stable { "state_after" } else { "org.matrix.msc4222.state_after" };
        let shape = Shape { state_after, is_first: request.since.is_none() };
        let request = SyncRequest {
            user_id: requester.user_id,
            device_id: requester.device_id,
            since: since.map_err(|error| MatrixError::from(pli_sync::SyncError::from(error)))?,
            filter,
            full_state: request.full_state,
            use_state_after: request.use_state_after || asks_as_before,
            timeout: request.timeout.unwrap_or_default().min(MAX_TIMEOUT),
        };
        Ok(Self {
            sync,
            drain: Drain::from_ref(state),
            echoes: Echoes::from_ref(state),
            client,
            request,
            shape,
            _present: present,
        })
    }
}

/// The filter in a query. Ruma's type doesn't know all that it can say.
fn filter_in(query: Option<&str>) -> Option<String> {
    let mut parameters = url::form_urlencoded::parse(query?.as_bytes());
    let (_, filter) = parameters.find(|(name, _)| name == "filter")?;
    Some(filter.into_owned())
}

/// Whether a client asks for the state at the end of timelines by the name that this had before the
/// specification knew it (MSC4222).
fn asks_for_unstable_state_after(query: Option<&str>) -> bool {
    const NAME: &str = "org.matrix.msc4222.use_state_after";
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == NAME && value == "true")
}

/// Counts a request as waiting for as long as it lives, also if its client goes away.
pub(super) struct Waiting(Gauge);

impl Waiting {
    pub(super) fn begin() -> Self {
        let gauge = metrics::gauge!(SYNC_REQUESTS);
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
