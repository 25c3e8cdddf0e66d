//! `GET /_matrix/client/v3/sync`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync)).

mod body;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{RawQuery, State},
    response::IntoResponse,
};
use metrics::Gauge;
use pli_accounts::filters::{Filters, SyncFilter};
use pli_sync::{Sync, SyncRequest};
use ruma::api::client::sync::sync_events::v3::{Filter, Request};

use self::body::{Body, Shape};
use crate::{
    MatrixError,
    extract::Ruma,
    layer::{
        drain::Drain,
        echo::{Client, Echoes},
        measure::SYNC_REQUESTS,
    },
};

/// The longest that a request waits, whatever the client asks for: proxies cut longer ones off.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) async fn sync(
    State(sync): State<Sync>,
    State(filters): State<Filters>,
    State(drain): State<Drain>,
    State(echoes): State<Echoes>,
    client: Client,
    RawQuery(query): RawQuery,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<axum::response::Response, MatrixError> {
    let since = request.since.as_deref().map(str::parse).transpose();
    let filter = match request.filter {
        None => Arc::default(),
        // Ruma takes a filter that it can't read for the id of one.
        Some(Filter::FilterId(id)) if !id.trim_start().starts_with('{') => {
            filters.get(&requester.user_id, &id).await?
        }
        Some(_) => Arc::new(filter_in(query.as_deref())?),
    };
    let presence = sync.presence();
    let _present = Box::pin(presence.syncing(&requester, request.set_presence)).await?;
    let asks_as_before = asks_for_unstable_state_after(query.as_deref());
    let is_stable = request.use_state_after || !asks_as_before;
    let state_after = if is_stable { "state_after" } else { "org.matrix.msc4222.state_after" };
    let request = SyncRequest {
        user_id: requester.user_id,
        device_id: requester.device_id,
        since: since.map_err(|error| MatrixError::from(pli_sync::SyncError::from(error)))?,
        filter,
        full_state: request.full_state,
        use_state_after: request.use_state_after || asks_as_before,
        timeout: request.timeout.unwrap_or_default().min(MAX_TIMEOUT),
    };
    let _waiting = Waiting::begin();
    let response = sync.sync(&request, drain.begun()).await?;
    echoes.after_answers(&client).await;
    let shape = Shape { state_after, is_first: request.since.is_none() };
    Ok(Json(Body::of(&response, shape)).into_response())
}

/// The filter in a query. Ruma's type doesn't know all that it can say.
fn filter_in(query: Option<&str>) -> Result<SyncFilter, MatrixError> {
    let mut parameters = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let filter = parameters.find(|(name, _)| name == "filter");
    let filter = filter.map(|(_, filter)| filter).unwrap_or_default();
    Ok(SyncFilter::from_json(&filter)?)
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
