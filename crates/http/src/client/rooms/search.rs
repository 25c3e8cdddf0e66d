//! `POST /_matrix/client/v3/search`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search)).

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{self, FromRequest, State},
};
use pli_accounts::Requester;
use pli_rooms::{
    RelationFilter, Rooms,
    search::{SearchHit, SearchKey, SearchPage, SearchRequest, senders},
};
use pli_store::{Position, Snapshot};
use ruma::{
    OwnedUserId, UInt,
    api::client::search::search_events::v3::{Criteria, GroupingKey, OrderBy, Request, SearchKeys},
};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{MAX_LIMIT, reader};
use crate::{
    AppState, MatrixError,
    extract::{Admitted, Ruma},
};

/// How many events a page has unless the client says otherwise.
const DEFAULT_LIMIT: usize = 10;
/// The most events around each.
const MAX_CONTEXT: usize = 50;

pub(in crate::client) async fn search(
    State(rooms): State<Rooms>,
    SearchBody { ruma: Ruma { request, requester }, relations, wants_context }: SearchBody,
) -> Result<Json<Value>, MatrixError> {
    let Some(criteria) = request.search_categories.room_events else {
        return Ok(Json(json!({ "search_categories": {} })));
    };
    let newest_first = match &criteria.order_by {
        None | Some(OrderBy::Rank) => false,
        Some(OrderBy::Recent) => true,
        Some(other) => {
            let error = format!("order_by: `rank` or `recent`, not `{other}`");
            return Err(MatrixError::invalid_param(error));
        }
    };
    let keys = criteria.keys.iter().flatten().map(search_key).collect::<Result<Vec<_>, _>>()?;
    let (offset, up_to) = match request.next_batch.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => {
            let (offset, up_to) = place(token).ok_or_else(|| {
                MatrixError::invalid_param("next_batch: not a token of an earlier search")
            })?;
            (offset, Some(up_to))
        }
        None => (0, None),
    };
    let limit = criteria.filter.limit.map_or(DEFAULT_LIMIT, super::limit).clamp(1, MAX_LIMIT);
    let around = |limit: UInt| super::limit(limit).min(MAX_CONTEXT);
    let context = &criteria.event_context;
    let search = SearchRequest {
        term: &criteria.search_term,
        keys: &keys,
        filter: &criteria.filter,
        relations: &relations,
        newest_first,
        offset,
        up_to,
        limit,
        context: wants_context.then(|| (around(context.before_limit), around(context.after_limit))),
    };
    let page = rooms.search(&requester.user_id, search).await?;
    // A full page may have another one after it.
    let next_batch = page.next.map(|next| {
        let up_to = up_to.unwrap_or(page.snapshot.position());
        format!("n{next}_{up_to}")
    });
    let room_events = show(&rooms, &requester, &criteria, &page, next_batch).await?;
    Ok(Json(json!({ "search_categories": { "room_events": room_events } })))
}

fn search_key(key: &SearchKeys) -> Result<SearchKey, MatrixError> {
    match key {
        SearchKeys::ContentBody => Ok(SearchKey::Body),
        SearchKeys::ContentName => Ok(SearchKey::Name),
        SearchKeys::ContentTopic => Ok(SearchKey::Topic),
        other => Err(MatrixError::invalid_param(format!("keys: there is no `{other}` to search"))),
    }
}

/// Where a token says to go on, among those up to a position.
fn place(token: &str) -> Option<(usize, Position)> {
    let (offset, up_to) = token.strip_prefix('n')?.split_once('_')?;
    Some((offset.parse().ok()?, Position(up_to.parse().ok()?)))
}

/// Ruma's response leaves out what is empty; clients want to be told that nothing was found.
async fn show(
    rooms: &Rooms,
    requester: &Requester,
    criteria: &Criteria,
    page: &SearchPage,
    next_batch: Option<String>,
) -> Result<Value, MatrixError> {
    let snapshot = &page.snapshot;
    let reader = reader(requester);
    let mut results = Vec::with_capacity(page.hits.len());
    for hit in &page.hits {
        let event = std::slice::from_ref(&hit.event);
        let event = rooms.client_events::<Value>(snapshot, reader, event).await?.pop();
        let mut result = json!({ "rank": hit.rank, "result": event });
        if let Some(context) = &hit.context {
            let before = rooms.client_events::<Value>(snapshot, reader, &context.before).await?;
            let after = rooms.client_events::<Value>(snapshot, reader, &context.after).await?;
            result["context"] = json!({
                "start": context.start.to_string(),
                "end": context.end.to_string(),
                "events_before": before,
                "events_after": after,
            });
            if criteria.event_context.include_profile {
                result["context"]["profile_info"] = json!(profiles(rooms, snapshot, hit).await?);
            }
        }
        results.push(result);
    }
    let mut shown = json!({
        "count": page.count,
        "highlights": page.highlights,
        "results": results,
    });
    if let Some(next_batch) = next_batch {
        shown["next_batch"] = next_batch.into();
    }
    let groups = groups(criteria, page)?;
    if !groups.is_empty() {
        shown["groups"] = groups.into();
    }
    if criteria.include_state == Some(true) {
        let mut states = Map::new();
        for (room_id, root) in &page.states {
            let state = rooms.full_state(snapshot, *root).await?;
            let state = rooms.client_events::<Value>(snapshot, reader, &state).await?;
            states.insert(room_id.to_string(), json!(state));
        }
        shown["state"] = states.into();
    }
    Ok(shown)
}

/// What those who wrote the event and what is around it called themselves then.
async fn profiles(
    rooms: &Rooms,
    snapshot: &Snapshot,
    hit: &SearchHit,
) -> Result<BTreeMap<OwnedUserId, Value>, MatrixError> {
    let mut profiles = BTreeMap::new();
    for user_id in senders(hit) {
        let member = rooms.member_event(snapshot, hit.event.room_state, &user_id).await?;
        let content = member.and_then(|member| member.pdu.content_as::<Map<String, Value>>().ok());
        let mut profile = content.unwrap_or_default();
        profile.retain(|field, _| field == "displayname" || field == "avatar_url");
        profiles.insert(user_id, profile.into());
    }
    Ok(profiles)
}

fn groups(criteria: &Criteria, page: &SearchPage) -> Result<Map<String, Value>, MatrixError> {
    let mut groups = Map::new();
    for grouping in &criteria.groupings.group_by {
        let Some(key) = &grouping.key else { continue };
        let mut of_key: Map<String, Value> = Map::new();
        for hit in &page.hits {
            let value = match key {
                GroupingKey::RoomId => hit.event.pdu.room_id().to_string(),
                GroupingKey::Sender => hit.event.pdu.sender().to_string(),
                other => {
                    let error = format!("group_by: there are no groups by `{other}`");
                    return Err(MatrixError::invalid_param(error));
                }
            };
            let order = of_key.len() + 1;
            let group =
                of_key.entry(value).or_insert_with(|| json!({ "order": order, "results": [] }));
            if let Some(Value::Array(results)) = group.get_mut("results") {
                results.push(hit.event.event_id().as_str().into());
            }
        }
        groups.insert(key.to_string(), of_key.into());
    }
    Ok(groups)
}

/// A search, and what ruma's type doesn't tell of it.
pub(in crate::client) struct SearchBody {
    ruma: Ruma<Request>,
    relations: RelationFilter,
    /// Whether events around are asked for, even if as many as usual.
    wants_context: bool,
}

impl FromRequest<AppState> for SearchBody {
    type Rejection = MatrixError;

    async fn from_request(
        request: extract::Request,
        state: &AppState,
    ) -> Result<Self, MatrixError> {
        let (admitted, body) = Box::pin(Admitted::<Request>::read(request, state)).await?;
        let ruma = admitted.parse(&body)?;
        let OfEvents { event_context, filter } = serde_json::from_slice(&body)
            .ok()
            .and_then(|body: Body<'_>| body.search_categories.room_events)
            .unwrap_or_default();
        let wants_context = event_context.is_some_and(|context| context.get().starts_with('{'));
        let relations = filter
            .and_then(|filter| RelationFilter::from_json(filter.get()).ok())
            .unwrap_or_default();
        Ok(Self { ruma, relations, wants_context })
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    search_categories: Categories<'a>,
}

#[derive(Deserialize)]
struct Categories<'a> {
    #[serde(borrow)]
    room_events: Option<OfEvents<'a>>,
}

/// What of a search isn't in ruma's type, or no longer as it came.
#[derive(Default, Deserialize)]
struct OfEvents<'a> {
    #[serde(borrow)]
    event_context: Option<&'a RawValue>,
    #[serde(borrow)]
    filter: Option<&'a RawValue>,
}
