//! `GET /_matrix/client/v1/rooms/{roomId}/threads`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads)).

use axum::extract::State;
use pli_rooms::{Rooms, ThreadsRequest};
use pli_store::Store;
use ruma::api::client::threads::get_threads::v1::{IncludeThreads, Request, Response};

use super::{limit, reader, token};
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

/// How many threads a page has unless the client says otherwise.
const DEFAULT_LIMIT: usize = 20;

pub(in crate::client) async fn threads(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let participated = match request.include {
        IncludeThreads::All => false,
        IncludeThreads::Participated => true,
        other => {
            return Err(MatrixError::invalid_param(format!(
                "include: `all` or `participated`, not `{other}`"
            )));
        }
    };
    let wanted = ThreadsRequest {
        from: token(request.from.as_deref())?,
        limit: request.limit.map_or(DEFAULT_LIMIT, limit),
        participated,
    };
    let snapshot = store.snapshot().await?;
    let page = rooms.threads(&snapshot, &requester.user_id, &request.room_id, wanted).await?;
    let chunk = rooms.client_events(&snapshot, reader(&requester), &page.roots).await?;
    let mut response = Response::new(chunk);
    response.next_batch = page.next.map(|next| next.to_string());
    Ok(Answer(response))
}
