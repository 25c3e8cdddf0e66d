use std::sync::Arc;

use pli_push::UnreadOf;
use pli_rooms::{
    MembershipKind, RecentRoom, RecentWanted, RoomEvent, StateRoot, TimelineRange, UserRoom,
};
use pli_store::{Position, Stamp};
use ruma::RoomId;

use super::{
    answer::SlidingAnswering,
    required_state::CombinedState,
    response::RoomResult,
    room_state::gone_state,
    rows::Sent,
    wanted::{Combination, WantedRoom},
};
use crate::{
    SyncError,
    answer::stripped_state,
    state::MEMBER,
    timeline::{MAX_LIMIT, Window},
};

/// How much of a room the client knows.
struct Known<'s> {
    /// What was sent of it; `None` for a room that is told from the start.
    sent: Option<&'s Sent>,
    /// How far it was sent.
    from: Position,
    /// What was wanted of its state then, if that was something else.
    former: Option<&'s CombinedState>,
    /// Whether a longer timeline is wanted than before.
    is_expanded: bool,
}

impl SlidingAnswering<'_> {
    /// What there is to tell of a room; `None` if nothing.
    pub(crate) async fn room(
        &mut self,
        wanted: &WantedRoom,
        combination: &Combination,
        sent: Option<&Sent>,
        former: Option<&CombinedState>,
    ) -> Result<Option<RoomResult>, SyncError> {
        let room_id = &wanted.room.room_id;
        let (user_id, snapshot) = (&self.base.request.user_id, &self.base.snapshot);
        let user_room = self.base.rooms().user_room(snapshot, user_id, room_id).await?;
        let Some(user_room) = user_room else { return Ok(None) };
        let from = sent.map_or(Position::ZERO, |sent| sent.paused_at.unwrap_or(self.base.since));
        let found = match user_room.membership {
            MembershipKind::Join => {
                // Whoever comes in, or comes back, learns the room from the start.
                let sent = sent.filter(|sent| {
                    sent.membership == MembershipKind::Join && user_room.since.position() <= from
                });
                let is_expanded = sent.is_some_and(|sent| combination.timeline_limit > sent.limit);
                let known = Known { sent, from, former, is_expanded };
                Box::pin(self.joined(&user_room, combination, &known)).await?
            }
            MembershipKind::Invite if self.base.is_ignored_invite(&user_room).await? => None,
            MembershipKind::Invite | MembershipKind::Knock => {
                let is_told = sent.is_some_and(|sent| {
                    sent.membership == user_room.membership && user_room.changed.position() <= from
                });
                if is_told { None } else { Some(invited(&user_room)?) }
            }
            MembershipKind::Leave | MembershipKind::Ban => {
                let is_told = sent.is_some_and(|sent| {
                    sent.membership == user_room.membership && user_room.changed.position() <= from
                });
                if is_told || user_room.forgotten && sent.is_none() {
                    None
                } else {
                    Some(Box::pin(self.left(&user_room, combination, sent, from)).await?)
                }
            }
        };
        let is_dm = self.direct.contains(room_id);
        let dm_changed = sent.is_some_and(|sent| sent.is_dm != is_dm);
        let mut result = match found {
            Some(result) => result,
            None if dm_changed => RoomResult::default(),
            None => return Ok(None),
        };
        if dm_changed || (is_dm && result.initial == Some(true)) {
            result.is_dm = Some(is_dm);
        }
        result.membership = Some(user_room.membership);
        result.bump_stamp = Some(wanted.room.bump_stamp().0);
        Ok(Some(result))
    }

    async fn joined(
        &mut self,
        user_room: &UserRoom,
        combination: &Combination,
        known: &Known<'_>,
    ) -> Result<Option<RoomResult>, SyncError> {
        let room_id = &user_room.room_id;
        let from_nothing = known.sent.is_none();
        let limit = limit_of(combination);
        let after = if from_nothing { Stamp::MIN } else { Stamp::last_at(known.from) };
        let receipts_after = if from_nothing { Position::ZERO } else { known.from };
        let recent = self.recent(room_id, after, limit + 1, receipts_after).await?;
        let Some(recent) = recent else { return Ok(None) };
        let end = recent.state();

        let window_after = if known.is_expanded { Stamp::MIN } else { after };
        let up_to = Stamp::last_at(self.base.snapshot.position());
        let range = TimelineRange { after: window_after, up_to };
        let is_whole = window_after == after;
        let window =
            self.base.window_of(user_room, range, is_whole.then_some(&*recent), limit).await?;

        let known_root = if from_nothing {
            StateRoot::EMPTY
        } else {
            self.root_at(room_id, known.from, &recent).await?
        };
        let changed = if from_nothing || known_root == end {
            Vec::new()
        } else {
            self.base.rooms().states().diff(&self.base.snapshot, known_root, end).await?
        };
        let former = known.former.filter(|former| combination.state.may_exceed(former));
        let mut state = self.changed_state(combination, &changed, &window);
        let mut gone = Vec::new();
        if from_nothing {
            state = self.matching_state(room_id, end, combination, None).await?;
        } else {
            if former.is_some() {
                state.extend(self.matching_state(room_id, end, combination, former).await?);
            }
            gone = gone_state(combination, &changed);
        }
        if combination.state.is_lazy() {
            state.extend(self.lazy_members(room_id, end, &window, from_nothing).await?);
        }
        state.sort_unstable();
        state.dedup();

        // The user's own reading changes what is unread, and shows in no event.
        let read_since = self.may_have_read(room_id)
            && recent.has_read_since(&self.base.request.user_id, known.from) != Some(false);
        let is_news = window.any() || !changed.is_empty() || read_since;
        if !from_nothing && !is_news && !known.is_expanded && state.is_empty() {
            return Ok(None);
        }

        let mut result = RoomResult::default();
        let summary = recent.summary();
        let members_changed = changed.iter().any(|difference| difference.event_type == MEMBER);
        let has_changed =
            |event_type: &str| changed.iter().any(|difference| difference.event_type == event_type);
        if from_nothing {
            result.initial = Some(true);
            result.name = summary.name.clone().map(Some);
            result.avatar = summary.avatar_url.clone().map(Some);
        } else {
            result.name = has_changed("m.room.name").then(|| summary.name.clone());
            result.avatar = has_changed("m.room.avatar").then(|| summary.avatar_url.clone());
        }
        if from_nothing || members_changed {
            result.joined_count = Some(summary.joined);
            result.invited_count = Some(summary.invited);
        }
        if summary.name.is_none() && (from_nothing || members_changed || has_changed("m.room.name"))
        {
            result.heroes = Some(self.heroes(end, summary).await?);
        }
        if from_nothing || window.any() || known.is_expanded {
            self.fill_timeline(&mut result, &window).await?;
        }
        if known.is_expanded {
            result.expanded_timeline = Some(true);
            result.unstable_expanded_timeline = Some(true);
        }
        result.required_state = self.state_events(&state).await?;
        if self.speaks_merged_form {
            result.required_state.extend(gone);
        }
        let rules = self.base.push_rules().await?;
        let ignored = self.base.ignored().await?;
        let user_id = &self.base.request.user_id;
        let of = UnreadOf { user_id, rules, ignored, user_room, recent: &recent };
        let unread = self.base.sync.inner.unread.count(&self.base.snapshot, of).await?.total();
        result.notification_count = Some(unread.notifications);
        result.highlight_count = Some(unread.highlights);
        Ok(Some(result))
    }

    /// What is told of a room that the user left or was removed from: everything up to that moment,
    /// nothing after it.
    async fn left(
        &mut self,
        user_room: &UserRoom,
        combination: &Combination,
        sent: Option<&Sent>,
        from: Position,
    ) -> Result<RoomResult, SyncError> {
        let room_id = &user_room.room_id;
        let was_joined = sent.is_some_and(|sent| sent.membership == MembershipKind::Join);
        let after = if was_joined { Stamp::last_at(from) } else { Stamp::MIN };
        let mut window = Window::nothing_after(after);
        let mut state = Vec::new();
        // Who never was in the room, or forgot it, learns what became of their membership, nothing
        // else.
        if let Some(left_at) = user_room.joined_until.filter(|_| !user_room.forgotten) {
            let range = TimelineRange { after, up_to: user_room.changed };
            window = self.base.window_of(user_room, range, None, limit_of(combination)).await?;
            let (rooms, snapshot) = (self.base.rooms(), &self.base.snapshot);
            let end = rooms.state_root_at(snapshot, room_id, left_at).await?;
            if was_joined {
                let known = rooms.state_root_at(snapshot, room_id, after).await?;
                let changed = rooms.states().diff(snapshot, known, end).await?;
                state = self.changed_state(combination, &changed, &window);
            } else {
                state = self.matching_state(room_id, end, combination, None).await?;
            }
            if combination.state.is_lazy() {
                state.extend(self.lazy_members(room_id, end, &window, !was_joined).await?);
            }
        }
        // Their own membership event is theirs to see even where the room's history isn't.
        let own = self.base.rooms().event(&self.base.snapshot, &user_room.event_id).await?;
        if let Some(own) = own {
            state.push(own.event_id().to_owned());
            let is_own = |event: &Arc<RoomEvent>| event.event_id() == own.event_id();
            if combination.timeline_limit > 0 && !window.events.iter().any(is_own) {
                window.events.push(own);
            }
        }
        state.sort_unstable();
        state.dedup();

        let mut result = RoomResult { initial: (!was_joined).then_some(true), ..<_>::default() };
        self.fill_timeline(&mut result, &window).await?;
        result.required_state = self.state_events(&state).await?;
        Ok(result)
    }

    async fn fill_timeline(
        &self,
        result: &mut RoomResult,
        window: &Window,
    ) -> Result<(), SyncError> {
        let section = self.base.timeline_section(window).await?;
        result.timeline = section.events;
        result.limited = section.limited;
        result.prev_batch = section.prev_batch;
        let is_live = |event: &&Arc<RoomEvent>| {
            let stamp = event.stamp.map(Stamp::position);
            !self.base.is_initial() && stamp.is_some_and(|position| position > self.base.since)
        };
        result.num_live = Some(window.events.iter().filter(is_live).count());
        Ok(())
    }

    /// The end of a room, shared with whoever else reads it.
    pub(crate) async fn recent(
        &self,
        room_id: &RoomId,
        events_after: Stamp,
        events: usize,
        receipts_after: Position,
    ) -> Result<Option<Arc<RecentRoom>>, SyncError> {
        let wanted = RecentWanted { events_after, events, receipts_after };
        let changed = self.base.sync.inner.notifier.room_changed(room_id);
        Ok(self.base.rooms().recent(&self.base.snapshot, room_id, changed, &wanted).await?)
    }

    /// A room's state as of a position.
    pub(crate) async fn root_at(
        &self,
        room_id: &RoomId,
        position: Position,
        recent: &RecentRoom,
    ) -> Result<StateRoot, SyncError> {
        let stamp = Stamp::last_at(position);
        if let Some(root) = recent.state_root_at(stamp) {
            return Ok(root);
        }
        let roots = &self.base.sync.inner.roots;
        let key = (room_id.to_owned(), position);
        if let Some(root) = roots.get(&key) {
            return Ok(root);
        }
        let root = self.base.rooms().state_root_at(&self.base.snapshot, room_id, stamp).await?;
        roots.insert(key, root);
        Ok(root)
    }
}

fn limit_of(combination: &Combination) -> usize {
    usize::try_from(combination.timeline_limit).unwrap_or(MAX_LIMIT).min(MAX_LIMIT)
}

fn invited(user_room: &UserRoom) -> Result<RoomResult, SyncError> {
    Ok(RoomResult {
        initial: Some(true),
        invite_state: Some(stripped_state(user_room)?),
        stripped_state: Some(stripped_state(user_room)?),
        ..RoomResult::default()
    })
}
