//! `GET /_matrix/client/v3/rooms/{roomId}/messages`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages)).

use axum::extract::{self, FromRequest, State};
use http::uri::PathAndQuery;
use pli_rooms::{HistoryRequest, Rooms};
use pli_store::{Direction, Store};
use ruma::api::{
    Direction as RequestDirection,
    client::message::get_message_events::v3::{Request, Response},
};

use super::{limit, reader, relation_filter::QueryRelationFilter, token};
use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn messages(
    State(rooms): State<Rooms>,
    State(store): State<Store>,
    QueryRelationFilter(relations): QueryRelationFilter,
    MessagesRequest(Ruma { request, requester }): MessagesRequest,
) -> Reply<Response> {
    let history = HistoryRequest {
        from: token(request.from.as_deref())?,
        to: token(request.to.as_deref())?,
        direction: match request.dir {
            RequestDirection::Backward => Direction::Backward,
            RequestDirection::Forward => Direction::Forward,
        },
        limit: limit(request.limit),
        filter: &request.filter,
        relations: &relations,
    };
    let snapshot = store.snapshot().await?;
    let page = rooms.history(&snapshot, &requester.user_id, &request.room_id, history).await?;
    let reader = reader(&requester);
    let mut response = Response::new();
    response.start = page.start.to_string();
    response.end = page.end.map(|end| end.to_string());
    response.chunk = rooms.client_events(&snapshot, reader, &page.events).await?;
    response.state = rooms.client_events(&snapshot, reader, &page.state).await?;
    Ok(Answer(response))
}

/// A request that says in which direction to read. Clients that don't, contrary to the
/// specification, are answered from the beginning, as everywhere.
pub(in crate::client) struct MessagesRequest(Ruma<Request>);

impl<S> FromRequest<S> for MessagesRequest
where
    S: Send + Sync,
    Ruma<Request>: FromRequest<S, Rejection = MatrixError>,
{
    type Rejection = MatrixError;

    async fn from_request(mut request: extract::Request, state: &S) -> Result<Self, MatrixError> {
        let query = request.uri().query().unwrap_or_default();
        let says_so = url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "dir");
        if !says_so {
            let path_and_query = format!("{}?{query}&dir=f", request.uri().path());
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = PathAndQuery::try_from(path_and_query).ok();
            let uri = http::Uri::from_parts(parts);
            *request.uri_mut() =
                uri.map_err(|error| MatrixError::invalid_param(error.to_string()))?;
        }
        Ruma::from_request(request, state).await.map(Self)
    }
}
