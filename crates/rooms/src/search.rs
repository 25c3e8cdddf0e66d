//! Searching rooms that are not encrypted
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#server-side-search)).
//!
//! The words of a room's messages, names and topics are written down by a reader of its log with a
//! cursor of its own, which whoever searches the room moves to its end first: rooms that nobody
//! searches cost nothing. What the index says is checked against the event before it is shown, so
//! that redactions need no work in the index.

mod index;
mod words;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use pli_store::{Direction, Position, Snapshot, Stamp};
use ruma::{
    OwnedRoomId, OwnedUserId, UserId, api::client::filter::RoomEventFilter,
    events::room::history_visibility::HistoryVisibility,
};

pub(crate) use self::index::{SEARCH_CURSOR, SEARCH_WORD};
use self::words::{Searchable, words};
use crate::{
    RelationFilter, Rooms,
    error::RoomError,
    event::RoomEvent,
    filter,
    operations::{Context, RoomView},
    rows::MembershipKind,
    state::StateRoot,
};

/// How many words of a request are searched for.
const MOST_TERMS: usize = 20;
/// How many events of a room with a word are looked at, the newest.
const MOST_PER_WORD: usize = 1000;
/// How many events that may match are looked at in all, the newest.
const MOST_CANDIDATES: usize = 2000;
/// How many rooms are searched at once.
const MOST_ROOMS: usize = 2000;

/// Which part of events is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchKey {
    /// The text of messages.
    Body,
    /// The names of rooms.
    Name,
    /// Their topics.
    Topic,
}

/// What somebody searches for.
#[derive(Clone, Copy, Debug)]
pub struct SearchRequest<'a> {
    /// The words; an event has to have all of them.
    pub term: &'a str,
    /// Where to look; everywhere, if empty.
    pub keys: &'a [SearchKey],
    /// Which rooms and events.
    pub filter: &'a RoomEventFilter,
    /// Which relations to others these have.
    pub relations: &'a RelationFilter,
    /// The newest first, or (`false`) those first that the words are the greatest part of.
    pub newest_first: bool,
    /// How many events of all that match are left out.
    pub offset: usize,
    /// Nothing newer than this is looked at: a page must not be moved by what is written meanwhile.
    pub up_to: Option<Position>,
    /// At most so many events.
    pub limit: usize,
    /// How many events before and after each to show; none, if absent.
    pub context: Option<(usize, usize)>,
}

/// An event that was searched for.
#[derive(Clone, Debug)]
pub struct SearchHit {
    /// The event.
    pub event: Arc<RoomEvent>,
    /// How well it matches; more is better.
    pub rank: f64,
    /// What is around it.
    pub context: Option<Context>,
}

/// What a search found.
pub struct SearchPage {
    /// What it was found in.
    pub snapshot: Snapshot,
    /// How many events match in all.
    pub count: usize,
    /// The events of this page.
    pub hits: Vec<SearchHit>,
    /// The words that were searched for, as they are compared.
    pub highlights: Vec<String>,
    /// The states of the rooms of these events, as the user may see them.
    pub states: BTreeMap<OwnedRoomId, StateRoot>,
}

struct Found {
    event: Arc<RoomEvent>,
    rank: f64,
}

impl Rooms {
    /// Searches the rooms that a user is or was in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search(
        &self,
        user_id: &UserId,
        request: SearchRequest<'_>,
    ) -> Result<SearchPage, RoomError> {
        let mut terms = words(request.term);
        terms.truncate(MOST_TERMS);
        let room_ids = self.searched_rooms(user_id, request.filter).await?;
        if !terms.is_empty() {
            self.index_rooms(&room_ids).await?;
        }

        let snapshot = self.inner.store.snapshot().await?;
        let up_to = request.up_to.unwrap_or(snapshot.position()).min(snapshot.position());
        let mut candidates: Vec<(Stamp, usize)> = Vec::new();
        for (room, room_id) in room_ids.iter().enumerate().filter(|_| !terms.is_empty()) {
            let stamps = self.with_all_words(&snapshot, room_id, &terms, up_to).await?;
            candidates.extend(stamps.into_iter().map(|stamp| (stamp, room)));
        }
        candidates.sort_unstable_by(|left, right| right.cmp(left));
        candidates.truncate(MOST_CANDIDATES);

        let ignored = self.ignored_users(&snapshot, user_id).await?;
        let mut views: BTreeMap<OwnedRoomId, Option<RoomView>> = BTreeMap::new();
        let mut found: Vec<Found> = Vec::new();
        for (stamp, room) in candidates {
            let room_id = &room_ids[room];
            if !views.contains_key(room_id) {
                let view = match self.view(&snapshot, user_id, room_id).await {
                    Ok(view) => Some(view),
                    // They may not look into this one.
                    Err(RoomError::Forbidden(_)) => None,
                    Err(error) => return Err(error),
                };
                views.insert(room_id.clone(), view);
            }
            let Some(Some(view)) = views.get(room_id) else { continue };
            if stamp > view.up_to {
                continue;
            }
            let Some(event) = self.event_at_stamp(&snapshot, room_id, stamp).await? else {
                continue;
            };
            let is_wanted = filter::matches(request.filter, room_id, &event)
                && filter::matches_relation(request.relations, &event)
                && !ignored.hides(&event);
            let Some(rank) = rank(&event, &terms, request.keys).filter(|_| is_wanted) else {
                continue;
            };
            if self.may_see(&snapshot, user_id, view.user_room.as_ref(), &event).await? {
                found.push(Found { event, rank });
            }
        }
        if !request.newest_first {
            // Of those that match alike, the newest stays first.
            found.sort_by(|left, right| right.rank.total_cmp(&left.rank));
        }

        let count = found.len();
        let mut hits = Vec::new();
        let mut states = BTreeMap::new();
        for Found { event, rank } in found.into_iter().skip(request.offset).take(request.limit) {
            let room_id = event.pdu.room_id().to_owned();
            let context = match request.context {
                Some(limits) => self.around(&snapshot, user_id, &room_id, &event, limits).await?,
                None => None,
            };
            if let Some(Some(view)) = views.get(&room_id) {
                states.insert(room_id, view.state);
            }
            hits.push(SearchHit { event, rank, context });
        }
        Ok(SearchPage { snapshot, count, hits, highlights: terms, states })
    }

    /// The rooms that somebody searches: those that they name, or all that they are or were in.
    async fn searched_rooms(
        &self,
        user_id: &UserId,
        filter: &RoomEventFilter,
    ) -> Result<Vec<OwnedRoomId>, RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let mut room_ids = Vec::new();
        match &filter.rooms {
            Some(named) => {
                for room_id in named.iter().collect::<HashSet<_>>() {
                    // Whoever can't look into a room must not make the server read it.
                    if self.may_search(&snapshot, user_id, room_id).await? {
                        room_ids.push(room_id.clone());
                    }
                }
            }
            None => {
                let rooms = self.user_rooms(&snapshot, user_id).await?;
                let was_in = rooms.into_iter().filter(|room| {
                    !room.forgotten
                        && (room.membership == MembershipKind::Join || room.joined_until.is_some())
                });
                room_ids.extend(was_in.map(|room| room.room_id));
            }
        }
        room_ids.retain(|room_id| filter::matches_room(filter, room_id));
        room_ids.truncate(MOST_ROOMS);
        Ok(room_ids)
    }

    async fn may_search(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &OwnedRoomId,
    ) -> Result<bool, RoomError> {
        let user_room = self.user_room(snapshot, user_id, room_id).await?;
        if user_room.is_some_and(|room| !room.forgotten) {
            return Ok(true);
        }
        let summary = self.summary(snapshot, room_id).await?;
        Ok(summary.is_some_and(|(summary, _)| {
            summary.history_visibility == HistoryVisibility::WorldReadable
        }))
    }

    /// The places of a room's events that have all of these words, the newest first.
    async fn with_all_words(
        &self,
        snapshot: &Snapshot,
        room_id: &OwnedRoomId,
        terms: &[String],
        up_to: Position,
    ) -> Result<Vec<Stamp>, RoomError> {
        let mut common: Option<Vec<Stamp>> = None;
        for word in terms {
            let range =
                SEARCH_WORD.prefix((room_id, word)).up_to((room_id, word, Stamp::last_at(up_to)));
            let rows =
                snapshot.scan(&SEARCH_WORD, range, MOST_PER_WORD, Direction::Backward).await?;
            let mut stamps: Vec<Stamp> = rows.into_iter().map(|row| row.key.2).collect();
            if let Some(common) = common {
                let common: HashSet<Stamp> = common.into_iter().collect();
                stamps.retain(|stamp| common.contains(stamp));
            }
            if stamps.is_empty() {
                return Ok(stamps);
            }
            common = Some(stamps);
        }
        Ok(common.unwrap_or_default())
    }
}

/// How great a part of an event these words are; `None` if it has not all of them where they are
/// looked for.
fn rank(event: &RoomEvent, terms: &[String], keys: &[SearchKey]) -> Option<f64> {
    let Searchable { key, text } = Searchable::of(event)?;
    if !keys.is_empty() && !keys.contains(&key) {
        return None;
    }
    let words = words(&text);
    let has_all = terms.iter().all(|term| words.contains(term));
    let all = u32::try_from(words.len().max(1)).unwrap_or(u32::MAX);
    let matching = u32::try_from(terms.len()).unwrap_or(u32::MAX);
    has_all.then(|| f64::from(matching) / f64::from(all))
}

/// Whose names and pictures are shown beside an event and what is around it.
#[must_use]
pub fn senders(hit: &SearchHit) -> HashSet<OwnedUserId> {
    let around = hit.context.iter().flat_map(|context| context.before.iter().chain(&context.after));
    around.chain([&hit.event]).map(|event| event.pdu.sender().to_owned()).collect()
}
