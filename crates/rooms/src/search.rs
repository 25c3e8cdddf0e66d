//! Searching rooms that are not encrypted
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#server-side-search)).
//!
//! The words of a room's messages, names and topics are written down by a reader of its log with a
//! cursor of its own, which whoever searches the room moves to its end first: rooms that nobody
//! searches cost nothing. What the index says is checked against the event before it is shown, so
//! that redactions need no work in the index.
//!
//! A search costs what it looks at: a bounded number of the newest places of the rarest of its words,
//! and the events of the page that it shows. A word that thousands of messages have is found in the
//! newest of them.

mod index;
mod words;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet, btree_map::Entry},
    sync::Arc,
};

use pli_store::{Direction, Position, Snapshot, Stamp};
use ruma::{
    OwnedRoomId, OwnedUserId, UserId, api::client::filter::RoomEventFilter,
    events::room::history_visibility::HistoryVisibility,
};
use serde::Serialize;

pub(crate) use self::index::{SEARCH_CURSOR, SEARCH_WORD, WordPlace};
use self::words::words;
use crate::{
    IgnoredUsers, RelationFilter, Rooms,
    error::RoomError,
    event::RoomEvent,
    filter,
    operations::{Context, RoomView},
    rows::MembershipKind,
    state::StateRoot,
};

/// How many words of a request are searched for.
const MOST_TERMS: usize = 20;
/// How many events of a room are looked at that have a word, the newest: of a room that is searched
/// alone, and the least of many.
const MOST_PER_ROOM: usize = 1000;
const LEAST_PER_ROOM: usize = 50;
/// How many events that may match are looked at in all, the newest.
const MOST_CANDIDATES: usize = 1000;
/// Up to so many events that may match are all read, so that their number is exact.
const MOST_COUNTED: usize = 100;
/// How many events are read at once.
const PAGE: usize = 50;
/// How many rooms are searched at once.
const MOST_ROOMS: usize = 2000;

/// Which part of events is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    /// Where to go on: what an earlier page said.
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
    /// About how many events match in all; exactly, as long as they are few.
    pub count: usize,
    /// Where to go on; `None` when there is no more.
    pub next: Option<usize>,
    /// The events of this page.
    pub hits: Vec<SearchHit>,
    /// The words that were searched for, as they are compared.
    pub highlights: Vec<String>,
    /// The states of the rooms of these events, as the user may see them.
    pub states: BTreeMap<OwnedRoomId, StateRoot>,
}

/// An event that has all the words.
struct Candidate {
    stamp: Stamp,
    /// Which of the rooms it is in.
    room: usize,
    /// How many different words it has.
    words: u16,
    /// Whether the user may see it, as they were in the room all the time since. Of others that has to
    /// be found out; until then they don't count: their number tells what somebody may not see.
    is_visible: bool,
}

/// What somebody sees of the rooms that they search.
struct Searcher<'a> {
    rooms: &'a Rooms,
    snapshot: &'a Snapshot,
    user_id: &'a UserId,
    request: SearchRequest<'a>,
    room_ids: &'a [OwnedRoomId],
    ignored: IgnoredUsers,
    /// `None`: they may not look into this one.
    views: BTreeMap<usize, Option<RoomView>>,
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
        let mut searcher = Searcher {
            rooms: self,
            snapshot: &snapshot,
            user_id,
            request,
            room_ids: &room_ids,
            ignored: self.ignored_users(&snapshot, user_id).await?,
            views: BTreeMap::new(),
        };
        let candidates = searcher.candidates(&terms).await?;
        // Of a few, all are read, to say how many they are; of many only what is shown.
        let is_counted = candidates.len() <= MOST_COUNTED;
        let first = if is_counted { 0 } else { request.offset.min(candidates.len()) };
        let mut place = first;
        let mut count = 0;
        let mut next = None;
        let mut found: Vec<(Arc<RoomEvent>, u16)> = Vec::new();
        while place < candidates.len() && (is_counted || next.is_none()) {
            let page = &candidates[place..candidates.len().min(place + PAGE)];
            let events = searcher.read(page).await?;
            for (candidate, event) in page.iter().zip(events) {
                let is_on_page = place >= request.offset && next.is_none();
                place += 1;
                let Some(event) = event else { continue };
                count += 1;
                if is_on_page {
                    found.push((event, candidate.words));
                    next = (found.len() == request.limit).then_some(place);
                }
            }
        }

        let mut hits = Vec::with_capacity(found.len());
        let mut states = BTreeMap::new();
        for (event, words) in found {
            let room_id = event.pdu.room_id().to_owned();
            let context = match request.context {
                Some(limits) => self.around(&snapshot, user_id, &room_id, &event, limits).await?,
                None => None,
            };
            if let Some(view) = searcher.view_of(&room_id) {
                states.insert(room_id, view.state);
            }
            let matching = u32::try_from(terms.len()).unwrap_or(u32::MAX);
            let rank = f64::from(matching) / f64::from(words.max(1));
            hits.push(SearchHit { event, rank, context });
        }
        let unread = candidates[..first].iter().chain(&candidates[place..]);
        count += unread.filter(|candidate| candidate.is_visible).count();
        Ok(SearchPage { snapshot, count, next, hits, highlights: terms, states })
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
        up_to: Stamp,
        most: usize,
    ) -> Result<Vec<(Stamp, WordPlace)>, RoomError> {
        let mut rarest: Option<(usize, Vec<(Stamp, WordPlace)>)> = None;
        for (number, word) in terms.iter().enumerate() {
            let range = SEARCH_WORD.prefix((room_id, word)).up_to((room_id, word, up_to));
            let rows = snapshot.scan(&SEARCH_WORD, range, most, Direction::Backward).await?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            if rarest.as_ref().is_none_or(|(_, places)| rows.len() < places.len()) {
                let places = rows.into_iter().map(|row| (row.key.2, row.value));
                rarest = Some((number, places.collect()));
            }
        }
        let Some((number, mut places)) = rarest else { return Ok(Vec::new()) };
        // The others are looked for only where the rarest word is.
        for (_, word) in terms.iter().enumerate().filter(|(other, _)| *other != number) {
            let keys = places.iter().map(|(stamp, _)| (room_id, word, *stamp));
            let rows = snapshot.get_many(&SEARCH_WORD, keys).await?;
            let mut has_word = rows.into_iter().map(|row| row.is_some());
            places.retain(|_| has_word.next().unwrap_or(false));
        }
        places.retain(|(_, place)| place.words > 0);
        Ok(places)
    }
}

impl Searcher<'_> {
    /// The places of events that have all the words, in the order in which they are shown.
    async fn candidates(&mut self, terms: &[String]) -> Result<Vec<Candidate>, RoomError> {
        let mut candidates = Vec::new();
        if terms.is_empty() {
            return Ok(candidates);
        }
        let (rooms, snapshot, request) = (self.rooms, self.snapshot, self.request);
        let now = snapshot.position();
        let up_to = Stamp::last_at(request.up_to.unwrap_or(now).min(now));
        let room_ids = self.room_ids;
        let most = (MOST_CANDIDATES / room_ids.len().max(1)).clamp(LEAST_PER_ROOM, MOST_PER_ROOM);
        for (room, room_id) in room_ids.iter().enumerate() {
            let mut places = rooms.with_all_words(snapshot, room_id, terms, up_to, most).await?;
            let Some((newest, _)) = places.first() else { continue };
            let newest = *newest;
            let Some(view) = self.view(room).await? else { continue };
            let joined =
                view.user_room.as_ref().filter(|room| room.membership == MembershipKind::Join);
            let joined_since = joined.map(|joined| joined.since);
            // Who left sees nothing of what came then.
            let seen_up_to = view.up_to;
            if newest > seen_up_to {
                places = rooms.with_all_words(snapshot, room_id, terms, seen_up_to, most).await?;
            }
            let is_wanted = |key| request.keys.is_empty() || request.keys.contains(&key);
            let wanted = places.into_iter().filter(|(_, place)| is_wanted(place.key));
            candidates.extend(wanted.map(|(stamp, place)| Candidate {
                stamp,
                room,
                words: place.words,
                is_visible: joined_since.is_some_and(|since| since <= stamp),
            }));
        }
        candidates.sort_unstable_by_key(|candidate| (Reverse(candidate.stamp), candidate.room));
        candidates.truncate(MOST_CANDIDATES);
        if !request.newest_first {
            // Of those that match alike, the newest stays first.
            candidates.sort_by_key(|candidate| candidate.words);
        }
        Ok(candidates)
    }

    /// What the user sees of a room; `None` if they may not look into it.
    async fn view(&mut self, room: usize) -> Result<Option<&RoomView>, RoomError> {
        if let Entry::Vacant(vacant) = self.views.entry(room) {
            let room_id = &self.room_ids[room];
            vacant.insert(match self.rooms.view(self.snapshot, self.user_id, room_id).await {
                Ok(view) => Some(view),
                Err(RoomError::Forbidden(_)) => None,
                Err(error) => return Err(error),
            });
        }
        Ok(self.views.get(&room).and_then(Option::as_ref))
    }

    /// The events at these places, in the same order, as far as they are wanted and may be seen.
    async fn read(
        &mut self,
        places: &[Candidate],
    ) -> Result<Vec<Option<Arc<RoomEvent>>>, RoomError> {
        let keys = places.iter().map(|place| (&self.room_ids[place.room], place.stamp));
        let events = self.rooms.events_at(self.snapshot, keys).await?;
        let mut wanted = Vec::with_capacity(places.len());
        for (place, event) in places.iter().zip(events) {
            wanted.push(match event {
                Some(event) if self.shows(place, &event).await? => Some(event),
                _ => None,
            });
        }
        Ok(wanted)
    }

    async fn shows(&mut self, place: &Candidate, event: &RoomEvent) -> Result<bool, RoomError> {
        let (rooms, snapshot, user_id) = (self.rooms, self.snapshot, self.user_id);
        let (room_id, request) = (&self.room_ids[place.room], self.request);
        let is_wanted = event.redacted_by.is_none()
            && filter::matches(request.filter, room_id, event)
            && filter::matches_relation(request.relations, event)
            && !self.ignored.hides(event);
        if !is_wanted {
            return Ok(false);
        }
        let Some(view) = self.view(place.room).await? else { return Ok(false) };
        rooms.may_see(snapshot, user_id, view.user_room.as_ref(), event).await
    }

    fn view_of(&self, room_id: &OwnedRoomId) -> Option<&RoomView> {
        let room = self.room_ids.iter().position(|searched| searched == room_id)?;
        self.views.get(&room)?.as_ref()
    }
}

/// Whose names and pictures are shown beside an event and what is around it.
#[must_use]
pub fn senders(hit: &SearchHit) -> HashSet<OwnedUserId> {
    let around = hit.context.iter().flat_map(|context| context.before.iter().chain(&context.after));
    around.chain([&hit.event]).map(|event| event.pdu.sender().to_owned()).collect()
}
