//! `GET /_matrix/client/v3/sync`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync)).

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, response::IntoResponse};
use metrics::Gauge;
use pli_accounts::filters::Filters;
use pli_sync::{Sync, SyncRequest};
use ruma::api::{
    OutgoingResponseExt,
    client::{
        filter::FilterDefinition,
        sync::sync_events::v3::{Filter, Request, Response},
    },
};
use serde_json::{Map, Value, json};

use crate::{
    MatrixError,
    extract::{Answer, Ruma},
    layer::{drain::Drain, measure::SYNC_REQUESTS},
};

/// The longest that a request waits, whatever the client asks for: proxies cut longer ones off.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) async fn sync(
    State(sync): State<Sync>,
    State(filters): State<Filters>,
    State(drain): State<Drain>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<axum::response::Response, MatrixError> {
    let since = request.since.as_deref().map(str::parse).transpose();
    let filter = match request.filter {
        None => Arc::new(FilterDefinition::default()),
        Some(Filter::FilterDefinition(filter)) => Arc::new(filter),
        // Ruma takes a filter that it can't read for the id of one.
        Some(Filter::FilterId(id)) if id.trim_start().starts_with('{') => {
            return Err(MatrixError::invalid_param("filter: not of the form of a filter"));
        }
        Some(Filter::FilterId(id)) => filters.get(&requester.user_id, &id).await?,
        Some(_) => return Err(MatrixError::invalid_param("filter: not an id and not a filter")),
    };
    let request = SyncRequest {
        user_id: requester.user_id,
        device_id: requester.device_id,
        since: since.map_err(|error| MatrixError::from(pli_sync::SyncError::from(error)))?,
        filter,
        full_state: request.full_state,
        use_state_after: request.use_state_after,
        timeout: request.timeout.unwrap_or_default().min(MAX_TIMEOUT),
    };
    let _waiting = Waiting::begin();
    let response = sync.sync(&request, drain.begun()).await?;
    // Ruma leaves `rooms` out when there are only knocks.
    if response.rooms.is_empty() && !response.rooms.knock.is_empty() {
        return with_knocks(response);
    }
    Ok(Answer(response).into_response())
}

fn with_knocks(response: Response) -> Result<axum::response::Response, MatrixError> {
    let rooms = json!({ "knock": response.rooms.knock });
    let bytes = response.try_into_http_response::<Vec<u8>>().map_err(MatrixError::internal)?;
    let mut body: Map<String, Value> =
        serde_json::from_slice(bytes.body()).map_err(MatrixError::internal)?;
    body.insert("rooms".to_owned(), rooms);
    Ok(Json(body).into_response())
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
