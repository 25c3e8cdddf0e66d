//! `GET /_matrix/client/v3/sync`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync)).

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use pli_accounts::filters::Filters;
use pli_sync::{Sync, SyncRequest};
use ruma::api::client::{
    filter::FilterDefinition,
    sync::sync_events::v3::{Filter, Request, Response},
};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
    layer::drain::Drain,
};

/// The longest that a request waits, whatever the client asks for: proxies cut longer ones off.
const MAX_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) async fn sync(
    State(sync): State<Sync>,
    State(filters): State<Filters>,
    State(drain): State<Drain>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let since = request.since.as_deref().map(str::parse).transpose();
    let filter = match request.filter {
        None => Arc::new(FilterDefinition::default()),
        Some(Filter::FilterDefinition(filter)) => Arc::new(filter),
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
    let response = sync.sync(&request, drain.begun()).await?;
    Ok(Answer(response))
}
