use std::sync::Arc;

use pli_rooms::{
    PaginationToken, Reader, ReceiptKind, RoomEvent, RoomSummary, StateRoot, THREAD_UNTHREADED,
    TimelineRange, UserRoom, filter,
};
use pli_store::{Position, Stamp};
use ruma::{
    UInt,
    api::client::sync::sync_events::{
        UnreadNotificationsCount,
        v3::{JoinedRoom, State, StateEvents, Timeline},
    },
    events::{AnyRoomAccountDataEvent, AnySyncEphemeralRoomEvent},
    serde::Raw,
};
use serde_json::{Map, Value, json};

use crate::{
    Changes, SyncError,
    answer::Answering,
    state::{heroes, is_encryption, is_membership},
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
        let window = self.window(user_room, range).await?;
        let ephemeral = self.ephemeral(user_room, is_new, from).await?;
        let nothing = !window.any && ephemeral.is_empty() && account_data.is_empty();
        if nothing && !is_new && !self.request.full_state {
            return Ok(None);
        }

        let Some((summary, _)) = self.rooms().summary(&self.snapshot, room_id).await? else {
            return Ok(None);
        };
        let mut joined = JoinedRoom::new();
        joined.account_data.events = account_data;
        joined.ephemeral.events = ephemeral;
        let needs_state = window.any || is_new || self.request.full_state;
        let state = if needs_state {
            self.state_of_window(user_room, &window, is_new, &summary).await?
        } else {
            Vec::new()
        };
        self.note_device_lists(user_room, is_new, &window, &state, &summary);
        let members_changed = state.iter().chain(&window.events).any(|event| is_membership(event));
        if is_new || members_changed || self.request.full_state {
            joined.summary.heroes = heroes_if_unnamed(&summary, &self.request.user_id);
            joined.summary.joined_member_count = Some(UInt::new_saturating(summary.joined));
            joined.summary.invited_member_count = Some(UInt::new_saturating(summary.invited));
        }
        joined.state = self.state_events(&state).await?;
        joined.timeline = self.timeline_section(&window).await?;
        self.add_unread(&mut joined, user_room).await?;
        Ok(Some(joined))
    }

    pub(crate) async fn timeline_section(&self, window: &Window) -> Result<Timeline, SyncError> {
        let mut timeline = Timeline::new();
        timeline.limited = window.limited;
        timeline.prev_batch = Some(PaginationToken::after(window.start).to_string());
        timeline.events =
            self.rooms().sync_events(&self.snapshot, self.reader(), &window.events).await?;
        Ok(timeline)
    }

    pub(crate) async fn state_events(&self, state: &[Arc<RoomEvent>]) -> Result<State, SyncError> {
        let mut events = StateEvents::new();
        events.events = self.rooms().sync_events(&self.snapshot, self.reader(), state).await?;
        Ok(if self.request.use_state_after { State::After(events) } else { State::Before(events) })
    }

    fn reader(&self) -> Reader<'_> {
        Reader { user_id: &self.request.user_id, device_id: Some(&self.request.device_id) }
    }

    async fn state_of_window(
        &self,
        user_room: &UserRoom,
        window: &Window,
        is_new: bool,
        summary: &RoomSummary,
    ) -> Result<Vec<Arc<RoomEvent>>, SyncError> {
        let room_id = &user_room.room_id;
        let known = if is_new || self.request.full_state {
            StateRoot::EMPTY
        } else {
            self.root_at_token(user_room).await?
        };
        let target = if self.request.use_state_after {
            self.rooms().current_state_root(&self.snapshot, room_id).await?
        } else {
            match window.events.first().and_then(|event| event.stamp) {
                Some(first) if window.limited || is_new || self.request.full_state => {
                    let before = PaginationToken::before(first).stamp();
                    self.rooms().state_root_at(&self.snapshot, room_id, before).await?
                }
                // Everything that changed is in the timeline.
                Some(_) => known,
                None => self.rooms().current_state_root(&self.snapshot, room_id).await?,
            }
        };
        Ok(Box::pin(self.state_delta(user_room, window, known, target, summary)).await?.events)
    }

    /// Receipts and typing.
    async fn ephemeral(
        &self,
        user_room: &UserRoom,
        is_new: bool,
        from: Position,
    ) -> Result<Vec<Raw<AnySyncEphemeralRoomEvent>>, SyncError> {
        let room_id = &user_room.room_id;
        let wanted = &self.request.filter.room.ephemeral;
        let mut events = Vec::new();
        if filter::matches_other(wanted, room_id, "m.receipt") {
            let reader = &self.request.user_id;
            let receipts =
                self.rooms().receipts_since(&self.snapshot, room_id, reader, from).await?;
            if !receipts.is_empty() {
                events.push(receipt_event(&receipts)?);
            }
        }
        let typing_changed = match &self.changes {
            Changes::Some(news) => news.typing.iter().any(|changed| changed == room_id),
            Changes::Nothing => false,
            Changes::Unknown => true,
        };
        if (typing_changed || is_new) && filter::matches_other(wanted, room_id, "m.typing") {
            let typing = self.sync.inner.typing.now(room_id);
            // Who knows nothing yet needn't be told that nobody types.
            let known = matches!(self.changes, Changes::Some(_)) && !is_new;
            if known || !typing.user_ids.is_empty() {
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
    ) -> Result<(), SyncError> {
        let unread =
            self.sync.inner.unread.count(&self.snapshot, &self.request.user_id, user_room).await?;
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
    fn note_device_lists(
        &mut self,
        user_room: &UserRoom,
        is_new: bool,
        window: &Window,
        state: &[Arc<RoomEvent>],
        summary: &RoomSummary,
    ) {
        if self.is_initial() || summary.encryption.is_none() {
            return;
        }
        let events = || state.iter().chain(&window.events);
        if is_new || events().any(|event| is_encryption(event)) {
            self.device_lists.all_members_of(user_room.room_id.clone());
            return;
        }
        for event in events().filter(|event| is_membership(event)) {
            self.device_lists.note_member(event);
        }
    }
}

fn heroes_if_unnamed(summary: &RoomSummary, reader: &ruma::UserId) -> Vec<ruma::OwnedUserId> {
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

/// One `m.receipt` event for many receipts: event → kind → user → receipt.
fn receipt_event(
    receipts: &[pli_rooms::StreamedReceipt],
) -> Result<Raw<AnySyncEphemeralRoomEvent>, SyncError> {
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
        of_event[kind][receipt.user_id.as_str()] = value;
    }
    let event = json!({ "type": "m.receipt", "content": content });
    Ok(Raw::new(&event)?.cast_unchecked())
}
