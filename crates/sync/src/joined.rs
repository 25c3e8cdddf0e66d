use std::sync::Arc;

use pli_push::UnreadOf;
use pli_rooms::{
    PaginationToken, Reader, ReceiptKind, RecentRoom, RecentWanted, RoomEvent, RoomSummary,
    StateDifference, StateRoot, StreamedReceipt, THREAD_UNTHREADED, TimelineRange, UserRoom,
    filter,
};
use pli_store::{Position, Stamp};
use ruma::{
    EventId, OwnedUserId, RoomId, UInt,
    api::client::{
        filter::EventFormat,
        sync::sync_events::{
            UnreadNotificationsCount,
            v3::{JoinedRoom, State, StateEvents, Timeline},
        },
    },
    events::{
        AnyRoomAccountDataEvent, AnySyncEphemeralRoomEvent, TimelineEventType,
        room::member::MembershipState,
    },
    serde::Raw,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    Changes, SyncError,
    answer::Answering,
    fields,
    state::{MEMBER, Roots, heroes},
    timeline::Window,
};

impl Answering<'_> {
    /// What is new in a room that the user is joined to; `None` if nothing.
    pub(crate) async fn joined_room(
        &mut self,
        user_room: &UserRoom,
        account_data: Vec<Raw<AnyRoomAccountDataEvent>>,
    ) -> Result<Option<JoinedRoom>, SyncError> {
        let room_id = &user_room.room_id;
        // A room that the client doesn't know yet is told from the start, with all its state.
        let is_new = self.is_initial() || user_room.since.position() > self.since;
        let from = if is_new { Position::ZERO } else { self.since };
        let range = if is_new {
            TimelineRange { after: Stamp::MIN, up_to: Stamp::last_at(self.snapshot.position()) }
        } else {
            TimelineRange::between(from, self.snapshot.position())
        };
        let wanted = RecentWanted {
            events_after: range.after,
            events: self.timeline_limit() + 1,
            receipts_after: from,
        };
        // Asked after the snapshot was taken: what changed since then counts too.
        let changed = self.sync.inner.notifier.room_changed(room_id);
        let recent = self.rooms().recent(&self.snapshot, room_id, changed, &wanted).await?;
        let Some(recent) = recent else { return Ok(None) };
        let is_quiet = self.quiet_rooms.contains(room_id) && !is_new && !self.request.full_state;
        let mut window = if is_quiet {
            Window::nothing_after(range.after)
        } else {
            self.window(user_room, range, Some(&recent)).await?
        };
        if is_new && !self.is_initial() && !self.began_since(&window) {
            // The room has a past that the client wasn't told of, shown here or not.
            window.limited = true;
        }
        let receipts_since = (!is_quiet).then_some(from);
        let ephemeral = self.ephemeral(&recent, room_id, &window, is_new, receipts_since).await?;
        let from_nothing = is_new || self.request.full_state;
        let sticks = self.collect_sticky(user_room, recent.summary(), &window, is_new).await?;
        let nothing = !window.any() && ephemeral.is_empty() && account_data.is_empty();
        if nothing && !sticks && !from_nothing {
            return Ok(None);
        }

        let mut joined = JoinedRoom::new();
        joined.account_data.events = account_data;
        joined.ephemeral.events = ephemeral;
        let mut state = Vec::new();
        if window.any() || from_nothing {
            let token_root = if is_new {
                StateRoot::EMPTY
            } else {
                match recent.state_root_at(Stamp::last_at(self.since)) {
                    Some(root) => root,
                    None => self.root_at_token(user_room).await?,
                }
            };
            let end = window.newest_state.unwrap_or_else(|| recent.state());
            let mut heroes = Vec::new();
            if from_nothing || token_root != end {
                let summary = recent.summary();
                let changed = if is_new {
                    Vec::new()
                } else {
                    self.rooms().states().diff(&self.snapshot, token_root, end).await?
                };
                self.note_device_lists(user_room, is_new, &changed, summary).await?;
                if from_nothing || changed.iter().any(bears_on_summary) {
                    heroes = heroes_if_unnamed(summary, &self.request.user_id);
                    let told = &mut joined.summary;
                    told.heroes.clone_from(&heroes);
                    told.joined_member_count = Some(UInt::new_saturating(summary.joined));
                    told.invited_member_count = Some(UInt::new_saturating(summary.invited));
                }
            }
            let known = if from_nothing { StateRoot::EMPTY } else { token_root };
            let start = self.root_at_start(user_room, &window, Some(&recent), known, end).await?;
            let roots = Roots { known, start, end };
            let needed = self.needed_members(user_room, &window, from_nothing, &heroes);
            state = Box::pin(self.state_delta(user_room, &window, &roots, &needed)).await?;
        }
        joined.state = self.state_events(&state).await?;
        joined.timeline = self.timeline_section(&window).await?;
        self.add_unread(&mut joined, user_room, &recent).await?;
        Ok(Some(joined))
    }

    /// Whether a window begins with the beginning of a room that was made after the token.
    fn began_since(&self, window: &Window) -> bool {
        let first = window.events.first();
        first.is_some_and(|first| {
            *first.pdu.event_type() == TimelineEventType::RoomCreate
                && first.stamp.is_some_and(|stamp| stamp.position() > self.since)
        })
    }

    /// The room's state before the first event of a window; with an empty window, at its end.
    /// `recent` is the room's end, if the window is of it.
    pub(crate) async fn root_at_start(
        &self,
        user_room: &UserRoom,
        window: &Window,
        recent: Option<&RecentRoom>,
        known: StateRoot,
        end: StateRoot,
    ) -> Result<StateRoot, SyncError> {
        let Some(first) = window.events.first().and_then(|event| event.stamp) else {
            return Ok(end);
        };
        if !window.limited && !known.is_empty() {
            return Ok(known);
        }
        let before = PaginationToken::before(first).stamp();
        if let Some(root) = recent.and_then(|recent| recent.state_root_at(before)) {
            return Ok(root);
        }
        Ok(self.rooms().state_root_at(&self.snapshot, &user_room.room_id, before).await?)
    }

    pub(crate) async fn timeline_section(&self, window: &Window) -> Result<Timeline, SyncError> {
        let mut timeline = Timeline::new();
        timeline.limited = window.limited;
        timeline.prev_batch = Some(PaginationToken::after(window.start).to_string());
        timeline.events = self.events(&window.events).await?;
        Ok(timeline)
    }

    pub(crate) async fn state_events(&self, state: &[Arc<RoomEvent>]) -> Result<State, SyncError> {
        let mut events = StateEvents::new();
        events.events = self.events(state).await?;
        Ok(if self.request.use_state_after { State::After(events) } else { State::Before(events) })
    }

    /// Events in the format, and with the fields, that the filter asks for.
    async fn events<T>(&self, events: &[Arc<RoomEvent>]) -> Result<Vec<Raw<T>>, SyncError> {
        let (rooms, filter) = (self.rooms(), &self.request.filter);
        let events = if filter.event_format == EventFormat::Federation {
            rooms.federation_events(&self.snapshot, self.reader(), events).await?
        } else {
            rooms.sync_events(&self.snapshot, self.reader(), events).await?
        };
        match &filter.event_fields {
            None => Ok(events),
            Some(fields) => Ok(fields::keep(fields, events)?),
        }
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { user_id: &self.request.user_id, device_id: Some(&self.request.device_id) }
    }

    /// Receipts and typing. `receipts_since` is the position after which receipts are told; `None`:
    /// none changed.
    async fn ephemeral(
        &self,
        recent: &RecentRoom,
        room_id: &RoomId,
        window: &Window,
        is_new: bool,
        receipts_since: Option<Position>,
    ) -> Result<Vec<Raw<AnySyncEphemeralRoomEvent>>, SyncError> {
        let wanted = &self.request.filter.room.ephemeral;
        let mut events = Vec::new();
        if let Some(since) = receipts_since
            && filter::matches_other(wanted, room_id, "m.receipt")
        {
            let reader = &self.request.user_id;
            let event = match recent.receipts_since(reader, since) {
                Some(receipts) => receipt_event(receipts)?,
                None => {
                    let rooms = self.rooms();
                    let found =
                        rooms.receipts_since(&self.snapshot, room_id, reader, since).await?;
                    receipt_event(&found)?
                }
            };
            events.extend(event);
        }
        let typing_changed = match &self.changes {
            Changes::Some(news) => news.typing.iter().any(|changed| changed == room_id),
            Changes::Nothing => false,
            Changes::Unknown => true,
        };
        if (typing_changed || is_new) && filter::matches_other(wanted, room_id, "m.typing") {
            let typing = self.sync.inner.typing.now(room_id);
            // Who knows nothing yet needn't be told that nobody types. Where it isn't known whether
            // typing changed, a room is not told for that alone.
            let may_have_stopped = matches!(self.changes, Changes::Some(_)) || window.any();
            if (may_have_stopped && !is_new) || !typing.user_ids.is_empty() {
                let event = json!({
                    "type": "m.typing",
                    "content": { "user_ids": typing.user_ids },
                });
                events.push(Raw::new(&event)?.cast_unchecked());
            }
        }
        Ok(events)
    }

    async fn add_unread(
        &self,
        joined: &mut JoinedRoom,
        user_room: &UserRoom,
        recent: &RecentRoom,
    ) -> Result<(), SyncError> {
        let rules = self.push_rules().await?;
        let ignored = self.ignored().await?;
        let of = UnreadOf { user_id: &self.request.user_id, rules, ignored, user_room, recent };
        let unread = self.sync.inner.unread.count(&self.snapshot, of).await?;
        let by_thread = self.request.filter.room.timeline.unread_thread_notifications;
        let main = if by_thread { unread.main } else { unread.total() };
        joined.unread_notifications = unread_count(main);
        if by_thread {
            joined.unread_thread_notifications = unread
                .threads
                .into_iter()
                .map(|(root, counts)| (root, unread_count(counts)))
                .collect();
        }
        Ok(())
    }

    /// Notes whose devices the client must look at because of what happened in this room.
    pub(crate) async fn note_device_lists(
        &mut self,
        user_room: &UserRoom,
        is_new: bool,
        changed: &[StateDifference],
        summary: &RoomSummary,
    ) -> Result<(), SyncError> {
        if self.is_initial() || !summary.tracks_devices() {
            return Ok(());
        }
        let was_encrypted = |difference: &StateDifference| {
            difference.event_type == "m.room.encryption" && difference.before.is_none()
        };
        if is_new || changed.iter().any(was_encrypted) {
            self.device_lists.all_members_of(user_room.room_id.clone());
            return Ok(());
        }
        for difference in changed.iter().filter(|difference| difference.event_type == MEMBER) {
            let Ok(user_id) = OwnedUserId::try_from(&*difference.state_key) else { continue };
            let before = self.is_joined_by(difference.before.as_deref()).await?;
            let after = self.is_joined_by(difference.after.as_deref()).await?;
            match (before, after) {
                (false, true) => self.device_lists.arrived(user_id),
                (true, false) => self.device_lists.departed(user_id),
                _ => {}
            }
        }
        Ok(())
    }

    async fn is_joined_by(&self, event_id: Option<&EventId>) -> Result<bool, SyncError> {
        let Some(event_id) = event_id else { return Ok(false) };
        let event = self.rooms().event(&self.snapshot, event_id).await?;
        Ok(event.is_some_and(|event| is_join(&event)))
    }
}

/// Whether a change of the state changes what clients make a room's name and its count of members
/// from.
fn bears_on_summary(difference: &StateDifference) -> bool {
    matches!(&*difference.event_type, MEMBER | "m.room.name" | "m.room.canonical_alias")
}

/// Whether a membership event says that its user is in the room.
pub(crate) fn is_join(event: &RoomEvent) -> bool {
    #[derive(Deserialize)]
    struct Content {
        membership: MembershipState,
    }
    let content = event.pdu.content_as::<Content>();
    content.is_ok_and(|content| content.membership == MembershipState::Join)
}

fn heroes_if_unnamed(summary: &RoomSummary, reader: &ruma::UserId) -> Vec<OwnedUserId> {
    if summary.name.is_some() || summary.canonical_alias.is_some() {
        return Vec::new();
    }
    heroes(summary, reader)
}

fn unread_count(counts: pli_push::Counts) -> UnreadNotificationsCount {
    let mut count = UnreadNotificationsCount::new();
    count.notification_count = Some(UInt::new_saturating(counts.notifications));
    count.highlight_count = Some(UInt::new_saturating(counts.highlights));
    count
}

/// One `m.receipt` event for many receipts: event → kind → user → receipt. `None` for none.
pub(crate) fn receipt_event<'r>(
    receipts: impl IntoIterator<Item = &'r StreamedReceipt>,
) -> Result<Option<Raw<AnySyncEphemeralRoomEvent>>, SyncError> {
    let mut content: Map<String, Value> = Map::new();
    for receipt in receipts {
        let kind = match receipt.kind {
            ReceiptKind::Read => "m.read",
            ReceiptKind::ReadPrivate => "m.read.private",
        };
        let mut value = json!({ "ts": receipt.ts });
        if receipt.thread != THREAD_UNTHREADED {
            value["thread_id"] = receipt.thread.as_str().into();
        }
        let of_event = content.entry(receipt.event_id.as_str()).or_insert_with(|| json!({}));
        let told = &mut of_event[kind][receipt.user_id.as_str()];
        // There is room for one. The one for the whole room says more than one for a thread
        // (MSC4102).
        if told.is_null() || told.get("thread_id").is_some() {
            *told = value;
        }
    }
    if content.is_empty() {
        return Ok(None);
    }
    let event = json!({ "type": "m.receipt", "content": content });
    Ok(Some(Raw::new(&event)?.cast_unchecked()))
}
