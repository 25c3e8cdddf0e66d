use std::sync::Arc;

use pli_rooms::{
    PaginationToken, RecentRoom, RoomEvent, StateRoot, TimelineRange, UserRoom, filter,
};
use pli_store::{Direction, Stamp};

use crate::{SyncError, answer::Answering};

/// How many events of a room one answer carries unless the filter says otherwise.
const DEFAULT_LIMIT: usize = 20;
/// The most that a filter can ask for.
pub(crate) const MAX_LIMIT: usize = 500;
/// How many pages are read in search of events that the filter lets through.
const MAX_PAGES: usize = 10;

/// The part of a room's timeline that an answer carries.
pub(crate) struct Window {
    /// The events, oldest first; all visible to whoever asks and wanted by the filter.
    pub(crate) events: Vec<Arc<RoomEvent>>,
    /// Whether there are more, between the token and the first of these.
    pub(crate) limited: bool,
    /// Where the window begins: nothing of the range up to here (included) is in it.
    pub(crate) start: Stamp,
    /// The room's state after the last event of the range, shown or not; `None` if nothing at all
    /// was appended in it.
    pub(crate) newest_state: Option<StateRoot>,
}

impl Window {
    /// The window of a range in which nothing was appended.
    pub(crate) fn nothing_after(start: Stamp) -> Self {
        Self { events: Vec::new(), limited: false, start, newest_state: None }
    }

    /// Whether anything at all was appended in the range, shown or not.
    pub(crate) fn any(&self) -> bool {
        self.newest_state.is_some()
    }
}

impl Answering<'_> {
    /// How many events of a room the request asks for.
    pub(crate) fn timeline_limit(&self) -> usize {
        let limit = self.request.filter.room.timeline.limit;
        limit
            .map_or(DEFAULT_LIMIT, |limit| usize::try_from(limit).unwrap_or(MAX_LIMIT))
            .min(MAX_LIMIT)
    }

    /// The newest events of a range of a room's timeline. `recent` is the room's end, if that is
    /// where the range ends.
    pub(crate) async fn window(
        &self,
        user_room: &UserRoom,
        range: TimelineRange,
        recent: Option<&RecentRoom>,
    ) -> Result<Window, SyncError> {
        self.window_of(user_room, range, recent, self.timeline_limit()).await
    }

    /// The same with another limit than the filter's.
    pub(crate) async fn window_of(
        &self,
        user_room: &UserRoom,
        range: TimelineRange,
        recent: Option<&RecentRoom>,
        limit: usize,
    ) -> Result<Window, SyncError> {
        let wanted = &self.request.filter.room.timeline;
        let room_id = &user_room.room_id;

        let mut window = Window::nothing_after(range.after);
        let mut up_to = range.up_to;
        let mut known_page = recent.and_then(|recent| recent.newest(range.after, limit + 1));
        for _ in 0..MAX_PAGES {
            let page_size = limit + 1;
            let page = TimelineRange { after: range.after, up_to };
            let page = match known_page.take() {
                Some(known_page) => known_page,
                None => {
                    let backward = Direction::Backward;
                    self.rooms()
                        .timeline(&self.snapshot, room_id, page, page_size, backward)
                        .await?
                }
            };
            let newest_of_page = page.first().map(|event| event.room_state);
            window.newest_state = window.newest_state.or(newest_of_page);
            if !filter::matches_room(wanted, room_id) {
                return Ok(window);
            }
            let is_last_page = page.len() < page_size;
            let oldest = page.last().and_then(|event| event.stamp);
            let visible = self
                .rooms()
                .visible_events(&self.snapshot, &self.request.user_id, Some(user_room), page)
                .await?;
            let ignored = self.ignored().await?;
            let is_wanted = |event: &Arc<RoomEvent>| {
                !ignored.hides(event)
                    && filter::matches(wanted, room_id, event)
                    && filter::matches_relation(&self.request.filter.timeline_relations, event)
            };
            for event in visible.into_iter().filter(is_wanted) {
                if window.events.len() == limit {
                    // One more than fits: the window begins right after it.
                    window.limited = true;
                    window.start = event.stamp.unwrap_or(range.after);
                    window.events.reverse();
                    return Ok(window);
                }
                window.events.push(event);
            }
            match oldest {
                Some(oldest) if !is_last_page => up_to = PaginationToken::before(oldest).stamp(),
                _ => {
                    window.events.reverse();
                    return Ok(window);
                }
            }
        }
        // The filter lets little through: what was not looked at is a gap.
        window.limited = true;
        window.start = up_to;
        window.events.reverse();
        Ok(window)
    }
}
