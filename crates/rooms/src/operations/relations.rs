use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use pli_store::{Direction, Snapshot, Stamp};
use ruma::{EventId, OwnedEventId, RoomId, UserId};

use super::Redaction;
use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    keyspaces::RELATION,
    pagination::PaginationToken,
    read::TimelineRange,
    rows::{RelationRow, UserRoom},
};

/// How many rows are read at once.
const PAGE: usize = 100;
/// How many relations one request looks at, at most.
const MOST_SCANNED: usize = 2000;
/// How far relations of relations are followed.
const MAX_DEPTH: u32 = 3;

/// Which of the events that refer to one are asked for.
#[derive(Clone, Copy, Debug)]
pub struct RelationsRequest<'a> {
    /// The event that is referred to.
    pub event_id: &'a EventId,
    /// Only those that refer to it like this.
    pub rel_type: Option<&'a str>,
    /// Only those of this type.
    pub event_type: Option<&'a str>,
    /// Where to begin; at the end that lies behind the direction, if absent.
    pub from: Option<PaginationToken>,
    /// Where to stop.
    pub to: Option<PaginationToken>,
    /// Backward is towards the past.
    pub direction: Direction,
    /// At most so many events.
    pub limit: usize,
    /// Also those that refer to it by way of others.
    pub recurse: bool,
}

impl RelationsRequest<'_> {
    fn wants(&self, row: &RelationRow) -> bool {
        self.rel_type.is_none_or(|rel_type| row.rel_type == rel_type)
            && self.event_type.is_none_or(|event_type| row.event_type == event_type)
    }

    fn range(&self, up_to: Stamp) -> TimelineRange {
        let from = self.from.map(PaginationToken::stamp);
        let to = self.to.map(PaginationToken::stamp);
        match self.direction {
            Direction::Backward => TimelineRange {
                after: to.unwrap_or(Stamp::MIN),
                up_to: from.unwrap_or(Stamp::MAX).min(up_to),
            },
            Direction::Forward => TimelineRange {
                after: from.unwrap_or(Stamp::MIN),
                up_to: to.unwrap_or(Stamp::MAX).min(up_to),
            },
        }
    }
}

/// A page of events that refer to one.
#[derive(Clone, Debug)]
pub struct RelationsPage {
    /// The events, in the direction asked for.
    pub events: Vec<Arc<RoomEvent>>,
    /// Where to go on; `None` when there is no more.
    pub next: Option<PaginationToken>,
    /// How far relations of relations were followed, if they were.
    pub recursion_depth: Option<u32>,
}

/// How many events go together with one that is redacted.
const MOST_REDACTED: usize = 1000;

impl Rooms {
    /// Redacts an event, and with it what refers to it in one of these ways (`*`: in any), as far as
    /// the user may (MSC3912). Without any it is [`Rooms::redact`].
    ///
    /// # Errors
    /// Those of [`Rooms::redact`] for the event itself; when the store fails.
    pub async fn redact_with_relations(
        &self,
        redaction: Redaction,
        rel_types: &[String],
    ) -> Result<OwnedEventId, RoomError> {
        let event_id = self.redact(redaction.clone()).await?;
        if rel_types.is_empty() {
            return Ok(event_id);
        }
        let snapshot = self.inner.store.snapshot().await?;
        let range = RELATION.prefix((&redaction.room_id, &redaction.event_id));
        let rows = snapshot.scan(&RELATION, range, MOST_REDACTED, Direction::Forward).await?;
        drop(snapshot);
        let all = rel_types.iter().any(|rel_type| rel_type == "*");
        for row in rows.into_iter().map(|row| row.value) {
            // A transaction is of one event: the same id serves for each.
            let related = Redaction { event_id: row.event_id, ..redaction.clone() };
            if all || rel_types.contains(&row.rel_type) {
                match self.redact(related).await {
                    Ok(_) | Err(RoomError::Forbidden(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(event_id)
    }
}

/// Who reads, and what they see.
struct Sight<'a> {
    snapshot: &'a Snapshot,
    user_id: &'a UserId,
    user_room: Option<UserRoom>,
    room_id: &'a RoomId,
    ignored: crate::IgnoredUsers,
}

impl Rooms {
    /// A page of the events that refer to an event, as a user may see them
    /// ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventid)).
    ///
    /// # Errors
    /// [`RoomError::UnknownEvent`] if there is no such event in the room or the user may not see it;
    /// when the store fails.
    pub async fn relations(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        request: RelationsRequest<'_>,
    ) -> Result<RelationsPage, RoomError> {
        self.event_for(snapshot, user_id, room_id, request.event_id).await?;
        let view = self.view(snapshot, user_id, room_id).await?;
        let range = request.range(view.up_to);
        let ignored = self.ignored_users(snapshot, user_id).await?;
        let sight = Sight { snapshot, user_id, user_room: view.user_room, room_id, ignored };
        if request.recurse {
            return self.all_relations(&sight, request, range).await;
        }

        let mut events = Vec::new();
        let mut scanned = 0;
        let mut last_row = None;
        loop {
            let rows = self
                .relation_rows(&sight, request.event_id, range, last_row, PAGE, request.direction)
                .await?;
            let is_last = rows.len() < PAGE;
            scanned += rows.len();
            let last_event = rows.last().map(|(row_stamp, row)| row.event_stamp(*row_stamp));
            last_row = rows.last().map(|(row_stamp, _)| *row_stamp);
            let wanted = rows
                .into_iter()
                .map(|(row_stamp, row)| (row.event_stamp(row_stamp), row))
                .filter(|(stamp, row)| within(range, *stamp) && request.wants(row))
                .map(|(stamp, row)| (stamp, row.event_id))
                .collect();
            let next = self.show_up_to(&sight, request, wanted, &mut events).await?;
            if next.is_some() || is_last {
                return Ok(RelationsPage { events, next, recursion_depth: None });
            }
            if scanned >= MOST_SCANNED {
                let next = last_event.map(|stamp| match request.direction {
                    Direction::Backward => PaginationToken::before(stamp),
                    Direction::Forward => PaginationToken::after(stamp),
                });
                return Ok(RelationsPage { events, next, recursion_depth: None });
            }
        }
    }

    /// Relations of relations come from all over the room: they are found first, then ordered.
    async fn all_relations(
        &self,
        sight: &Sight<'_>,
        request: RelationsRequest<'_>,
        range: TimelineRange,
    ) -> Result<RelationsPage, RoomError> {
        let mut found: Vec<(Stamp, OwnedEventId)> = Vec::new();
        let mut known: HashSet<OwnedEventId> = HashSet::from([request.event_id.to_owned()]);
        let mut parents = VecDeque::from([(request.event_id.to_owned(), 0)]);
        while let Some((parent, depth)) = parents.pop_front() {
            let left = MOST_SCANNED.saturating_sub(known.len());
            if left == 0 {
                break;
            }
            let all = TimelineRange::ALL;
            let rows =
                self.relation_rows(sight, &parent, all, None, left, Direction::Forward).await?;
            for (row_stamp, row) in rows {
                if !request.wants(&row) || !known.insert(row.event_id.clone()) {
                    continue;
                }
                let stamp = row.event_stamp(row_stamp);
                if depth + 1 < MAX_DEPTH {
                    parents.push_back((row.event_id.clone(), depth + 1));
                }
                if within(range, stamp) {
                    found.push((stamp, row.event_id));
                }
            }
        }
        found.sort_unstable_by_key(|(stamp, _)| *stamp);
        if request.direction == Direction::Backward {
            found.reverse();
        }
        let mut events = Vec::new();
        let next = self.show_up_to(sight, request, found, &mut events).await?;
        Ok(RelationsPage { events, next, recursion_depth: Some(MAX_DEPTH) })
    }

    /// Adds those of the events that the user may see, up to the limit. Returns where to go on, if
    /// some were left.
    async fn show_up_to(
        &self,
        sight: &Sight<'_>,
        request: RelationsRequest<'_>,
        wanted: Vec<(Stamp, OwnedEventId)>,
        events: &mut Vec<Arc<RoomEvent>>,
    ) -> Result<Option<PaginationToken>, RoomError> {
        for page in wanted.chunks(PAGE) {
            let event_ids: Vec<_> = page.iter().map(|(_, event_id)| event_id.clone()).collect();
            let found = self.events(sight.snapshot, &event_ids).await?;
            for event in found.into_iter().flatten() {
                let Some(stamp) = event.stamp else { continue };
                let user_room = sight.user_room.as_ref();
                if sight.ignored.hides(&event)
                    || !self.may_see(sight.snapshot, sight.user_id, user_room, &event).await?
                {
                    continue;
                }
                if events.len() == request.limit {
                    // It begins the next page.
                    return Ok(Some(match request.direction {
                        Direction::Backward => PaginationToken::after(stamp),
                        Direction::Forward => PaginationToken::before(stamp),
                    }));
                }
                events.push(event);
            }
        }
        Ok(None)
    }

    /// Rows that say what refers to an event, with their stamps, from `last_row` on: those of events
    /// in the range, and a few of the batches at its ends.
    async fn relation_rows(
        &self,
        sight: &Sight<'_>,
        parent: &EventId,
        range: TimelineRange,
        last_row: Option<Stamp>,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<(Stamp, RelationRow)>, RoomError> {
        let room_id = sight.room_id;
        // A range names places among events; the rows about them come later in the same batches.
        let first = Stamp { index: 0, ..range.after };
        let last = Stamp { index: u16::MAX, ..range.up_to };
        let mut rows = RELATION
            .prefix((room_id, parent))
            .from((room_id, parent, first))
            .up_to((room_id, parent, last));
        if let Some(last_row) = last_row {
            rows = match direction {
                Direction::Forward => rows.after((room_id, parent, last_row)),
                Direction::Backward => rows.before((room_id, parent, last_row)),
            };
        }
        let rows = sight.snapshot.scan(&RELATION, rows, limit, direction).await?;
        Ok(rows.into_iter().map(|row| (row.key.2, row.value)).collect())
    }
}

fn within(range: TimelineRange, stamp: Stamp) -> bool {
    range.after < stamp && stamp <= range.up_to
}
