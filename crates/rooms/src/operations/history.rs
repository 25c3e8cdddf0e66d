use std::{collections::HashSet, sync::Arc};

use pli_store::{Direction, Snapshot, Stamp};
use ruma::{
    EventId, OwnedUserId, RoomId, UserId,
    api::client::filter::{LazyLoadOptions, RoomEventFilter},
    events::StateEventType,
};

use super::RoomView;
use crate::{
    IgnoredUsers, RelationFilter, Rooms, error::RoomError, event::RoomEvent, filter,
    pagination::PaginationToken, read::TimelineRange,
};

/// How many events are read at once.
const PAGE: usize = 100;

/// How many events one request looks at, at most: whoever filters nearly all out gets a shorter
/// page and a token to go on from.
const MOST_SCANNED: usize = 2000;

/// A page of history to read.
#[derive(Clone, Copy, Debug)]
pub struct HistoryRequest<'a> {
    /// Where to begin; at the end that lies behind the direction, if absent.
    pub from: Option<PaginationToken>,
    /// Where to stop.
    pub to: Option<PaginationToken>,
    /// Backward is towards the past.
    pub direction: Direction,
    /// At most so many events.
    pub limit: usize,
    /// Which events.
    pub filter: &'a RoomEventFilter,
    /// Which relations to others these have.
    pub relations: &'a RelationFilter,
}

/// A page of history.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// Where the page begins.
    pub start: PaginationToken,
    /// Where to go on; `None` when the page is empty and there is no more.
    pub end: Option<PaginationToken>,
    /// The events, in the direction asked for.
    pub events: Vec<Arc<RoomEvent>>,
    /// The membership events of their senders, if the filter loads members lazily.
    pub state: Vec<Arc<RoomEvent>>,
}

/// An event and what is around it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The event.
    pub event: Arc<RoomEvent>,
    /// What came before, the latest first.
    pub before: Vec<Arc<RoomEvent>>,
    /// What came after, the earliest first.
    pub after: Vec<Arc<RoomEvent>>,
    /// Where to go on backwards.
    pub start: PaginationToken,
    /// Where to go on forwards.
    pub end: PaginationToken,
    /// The state after the last of these events.
    pub state: Vec<Arc<RoomEvent>>,
}

/// Which events somebody reads.
struct Wanted<'a> {
    filter: &'a RoomEventFilter,
    relations: &'a RelationFilter,
    ignored: IgnoredUsers,
}

impl Wanted<'_> {
    fn allows(&self, room_id: &RoomId, event: &RoomEvent) -> bool {
        filter::matches(self.filter, room_id, event)
            && filter::matches_relation(self.relations, event)
            && !self.ignored.hides(event)
    }
}

struct Scanned {
    events: Vec<Arc<RoomEvent>>,
    /// Where the scan stopped, if it didn't reach the end of the range.
    stopped_at: Option<Stamp>,
}

impl Rooms {
    /// A page of a room's history, as a user may see it.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`]; when the store fails.
    pub async fn history(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        request: HistoryRequest<'_>,
    ) -> Result<HistoryPage, RoomError> {
        let view = self.view(snapshot, user_id, room_id).await?;
        let HistoryRequest { from, to, direction, limit, filter, relations } = request;
        let (start, range) = match direction {
            Direction::Backward => {
                let start = from.map_or(Stamp::MAX, PaginationToken::stamp).min(view.up_to);
                let after = to.map_or(Stamp::MIN, PaginationToken::stamp);
                (start, TimelineRange { after, up_to: start })
            }
            Direction::Forward => {
                let start = from.map_or(Stamp::MIN, PaginationToken::stamp);
                let up_to = to.map_or(Stamp::MAX, PaginationToken::stamp).min(view.up_to);
                (start, TimelineRange { after: start, up_to })
            }
        };
        // A token that names no event yet must not say "after all that will ever be".
        let start = PaginationToken::after(start.min(Stamp::last_at(snapshot.position())));
        if !filter::matches_room(filter, room_id) {
            return Ok(HistoryPage { start, end: None, events: Vec::new(), state: Vec::new() });
        }

        let ignored = self.ignored_users(snapshot, user_id).await?;
        let wanted = Wanted { filter, relations, ignored };
        let scanned = self
            .scan_visible(snapshot, user_id, room_id, &view, range, limit, direction, &wanted)
            .await?;
        // Whoever got events learns where they end: only an empty page says that there is no more.
        let last = scanned.events.last().and_then(|event| event.stamp);
        let end = scanned.stopped_at.or(last).map(|stamp| match direction {
            Direction::Backward => PaginationToken::before(stamp),
            Direction::Forward => PaginationToken::after(stamp),
        });
        let state = if is_lazy(filter) {
            self.members_of_senders(snapshot, &scanned.events).await?
        } else {
            Vec::new()
        };
        Ok(HistoryPage { start, end, events: scanned.events, state })
    }

    #[expect(clippy::too_many_arguments, reason = "one walk, used by messages and context")]
    async fn scan_visible(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        view: &RoomView,
        mut range: TimelineRange,
        limit: usize,
        direction: Direction,
        wanted: &Wanted<'_>,
    ) -> Result<Scanned, RoomError> {
        let mut events = Vec::new();
        let mut scanned = 0;
        loop {
            // One more than asked for tells whether there is more.
            let page_size = (limit - events.len() + 1).clamp(2, PAGE);
            let page = self.timeline(snapshot, room_id, range, page_size, direction).await?;
            let is_last = page.len() < page_size;
            for event in page {
                let Some(stamp) = event.stamp else { continue };
                if events.len() == limit || scanned == MOST_SCANNED {
                    // The range was narrowed to what the last event seen leaves.
                    let last_seen = match direction {
                        Direction::Backward => successor(range.up_to),
                        Direction::Forward => range.after,
                    };
                    return Ok(Scanned { events, stopped_at: Some(last_seen) });
                }
                scanned += 1;
                match direction {
                    Direction::Backward => range.up_to = PaginationToken::before(stamp).stamp(),
                    Direction::Forward => range.after = stamp,
                }
                if wanted.allows(room_id, &event)
                    && self.may_see(snapshot, user_id, view.user_room.as_ref(), &event).await?
                {
                    events.push(event);
                }
            }
            if is_last {
                return Ok(Scanned { events, stopped_at: None });
            }
        }
    }

    /// The membership events of the senders of these events.
    async fn members_of_senders(
        &self,
        snapshot: &Snapshot,
        events: &[Arc<RoomEvent>],
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let Some(latest) = events.iter().max_by_key(|event| event.stamp) else {
            return Ok(Vec::new());
        };
        let senders: HashSet<OwnedUserId> =
            events.iter().map(|event| event.pdu.sender().to_owned()).collect();
        let mut members = Vec::with_capacity(senders.len());
        for sender in senders {
            members.extend(self.member_event(snapshot, latest.room_state, &sender).await?);
        }
        Ok(members)
    }

    /// An event that a user may see.
    ///
    /// # Errors
    /// [`RoomError::UnknownEvent`] if there is no such event in the room or the user may not see it;
    /// when the store fails.
    pub async fn event_for(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        event_id: &EventId,
    ) -> Result<Arc<RoomEvent>, RoomError> {
        let unknown = || RoomError::UnknownEvent(event_id.to_owned());
        let event = self.event(snapshot, event_id).await?.ok_or_else(unknown)?;
        let user_room = self.user_room(snapshot, user_id, room_id).await?;
        let is_visible = event.pdu.room_id() == room_id
            && self.may_see(snapshot, user_id, user_room.as_ref(), &event).await?;
        if is_visible { Ok(event) } else { Err(unknown()) }
    }

    /// An event and what is around it, at most so many events before and after it.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownEvent`]; when the store fails.
    #[expect(clippy::too_many_arguments, reason = "what the endpoint takes")]
    pub async fn context(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        event_id: &EventId,
        limits: (usize, usize),
        filter: &RoomEventFilter,
        relations: &RelationFilter,
    ) -> Result<Context, RoomError> {
        let event = self.event_for(snapshot, user_id, room_id, event_id).await?;
        let view = self.view(snapshot, user_id, room_id).await?;
        let ignored = self.ignored_users(snapshot, user_id).await?;
        let wanted = Wanted { filter, relations, ignored };
        let unknown = || RoomError::UnknownEvent(event_id.to_owned());
        let context = self.surroundings(snapshot, user_id, &view, event, limits, &wanted).await?;
        let mut context = context.ok_or_else(unknown)?;

        let last = context.after.last().unwrap_or(&context.event);
        let mut state = self.full_state_but_members(snapshot, last.room_state, filter).await?;
        if is_lazy(filter) {
            let Context { event, before, after, .. } = &context;
            let shown: Vec<_> = before.iter().chain([event]).chain(after).map(Arc::clone).collect();
            state.extend(self.members_of_senders(snapshot, &shown).await?);
        }
        context.state = state;
        Ok(context)
    }

    /// What is around an event that a user may see, without any state.
    pub(crate) async fn around(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        event: &Arc<RoomEvent>,
        limits: (usize, usize),
    ) -> Result<Option<Context>, RoomError> {
        let view = self.view(snapshot, user_id, room_id).await?;
        let ignored = self.ignored_users(snapshot, user_id).await?;
        let (filter, relations) = (&RoomEventFilter::default(), &RelationFilter::default());
        let wanted = Wanted { filter, relations, ignored };
        self.surroundings(snapshot, user_id, &view, Arc::clone(event), limits, &wanted).await
    }

    async fn surroundings(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        view: &RoomView,
        event: Arc<RoomEvent>,
        (limit_before, limit_after): (usize, usize),
        wanted: &Wanted<'_>,
    ) -> Result<Option<Context>, RoomError> {
        let Some(stamp) = event.stamp else { return Ok(None) };
        let room_id = event.pdu.room_id();
        let (backward, forward) = (Direction::Backward, Direction::Forward);
        let before =
            TimelineRange { after: Stamp::MIN, up_to: PaginationToken::before(stamp).stamp() };
        let before = self
            .scan_visible(snapshot, user_id, room_id, view, before, limit_before, backward, wanted)
            .await?
            .events;
        let after = TimelineRange { after: stamp, up_to: view.up_to };
        let after = self
            .scan_visible(snapshot, user_id, room_id, view, after, limit_after, forward, wanted)
            .await?
            .events;
        let first = before.last().unwrap_or(&event);
        let last = after.last().unwrap_or(&event);
        let start = PaginationToken::before(first.stamp.unwrap_or(stamp));
        let end = PaginationToken::after(last.stamp.unwrap_or(stamp));
        Ok(Some(Context { event, before, after, start, end, state: Vec::new() }))
    }

    /// A state; without its members if the filter loads them lazily.
    async fn full_state_but_members(
        &self,
        snapshot: &Snapshot,
        root: crate::StateRoot,
        filter: &RoomEventFilter,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let is_lazy = is_lazy(filter);
        let member = StateEventType::RoomMember.to_string();
        let entries = self.states().entries(snapshot, root).await?;
        let wanted = entries.into_iter().filter(|entry| !is_lazy || *entry.event_type != *member);
        let event_ids: Vec<_> = wanted.map(|entry| entry.event_id).collect();
        Ok(self.events(snapshot, &event_ids).await?.into_iter().flatten().collect())
    }
}

fn is_lazy(filter: &RoomEventFilter) -> bool {
    matches!(filter.lazy_load_options, LazyLoadOptions::Enabled { .. })
}

fn successor(stamp: Stamp) -> Stamp {
    match stamp.index.checked_add(1) {
        Some(index) => Stamp { index, ..stamp },
        None => Stamp { order: stamp.order.saturating_add(1), index: 0 },
    }
}
