use std::{collections::BTreeSet, sync::Arc};

use pli_push::UnreadOf;
use pli_rooms::{
    MembershipKind, RecentRoom, RecentWanted, RoomEvent, RoomSummary, StateDifference, StateRoot,
    TimelineRange, UserRoom,
};
use pli_store::{Position, Stamp};
use ruma::{OwnedEventId, OwnedMxcUri, OwnedUserId, RoomId, serde::Raw};
use serde::Deserialize;

use super::{
    answer::SlidingAnswering,
    required_state::CombinedState,
    response::{Hero, RoomResult},
    rows::Sent,
    wanted::{Combination, WantedRoom},
};
use crate::{
    SyncError,
    answer::stripped_state,
    state::{MEMBER, heroes},
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
        let of =
            UnreadOf { user_id: &self.base.request.user_id, rules, user_room, recent: &recent };
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

    /// The changed state that is wanted. Members who are loaded lazily are told when they change, as
    /// long as no part of the timeline is left out.
    fn changed_state(
        &self,
        combination: &Combination,
        changed: &[StateDifference],
        window: &Window,
    ) -> Vec<OwnedEventId> {
        let tells_members = combination.state.is_lazy() && !window.limited;
        let is_wanted = |difference: &&StateDifference| {
            (tells_members && difference.event_type == MEMBER)
                || combination.state.matches(&difference.event_type, &difference.state_key)
        };
        let wanted = changed.iter().filter(is_wanted);
        wanted.filter_map(|difference| difference.after.clone()).collect()
    }

    /// The state that is wanted now and was not before.
    async fn matching_state(
        &self,
        room_id: &RoomId,
        root: StateRoot,
        combination: &Combination,
        former: Option<&CombinedState>,
    ) -> Result<Vec<OwnedEventId>, SyncError> {
        let wanted = &combination.state;
        let is_new = |event_type: &str, state_key: &str| {
            !former.is_some_and(|former| former.matches(event_type, state_key))
        };
        let states = self.base.rooms().states();
        let snapshot = &self.base.snapshot;
        if let Some(named) = wanted.named() {
            let keys: Vec<(&str, &str)> = named
                .into_iter()
                .filter(|(event_type, state_key)| {
                    wanted.matches(event_type, state_key) && is_new(event_type, state_key)
                })
                .collect();
            let found = states.get_many(snapshot, root, &keys).await?;
            return Ok(found.into_iter().flatten().collect());
        }
        if wanted.wants_all_members() {
            let entries = states.entries(snapshot, root).await?;
            return Ok(entries
                .into_iter()
                .filter(|entry| wanted.matches(&entry.event_type, &entry.state_key))
                .filter(|entry| is_new(&entry.event_type, &entry.state_key))
                .map(|entry| entry.event_id)
                .collect());
        }
        // Few pieces of state are not memberships; who is named is looked up.
        let small = self.base.sync.inner.sliding.states.without_members(
            self.base.rooms(),
            snapshot,
            room_id,
            root,
        );
        let small = small.await?;
        let mut found: Vec<OwnedEventId> = small
            .iter()
            .filter(|entry| wanted.matches(&entry.event_type, &entry.state_key))
            .filter(|entry| is_new(&entry.event_type, &entry.state_key))
            .map(|entry| entry.event_id.clone())
            .collect();
        let members = wanted.named_members().chain(wanted.names_state_keys_of_any_type());
        let keys: Vec<(&str, &str)> = members
            .map(|user_id| (MEMBER, user_id))
            .filter(|(event_type, user_id)| {
                wanted.matches(event_type, user_id) && is_new(event_type, user_id)
            })
            .collect();
        found.extend(states.get_many(snapshot, root, &keys).await?.into_iter().flatten());
        Ok(found)
    }

    /// The memberships that the timeline needs: of senders, and of those whose membership changed.
    async fn lazy_members(
        &self,
        room_id: &RoomId,
        root: StateRoot,
        window: &Window,
        from_nothing: bool,
    ) -> Result<Vec<OwnedEventId>, SyncError> {
        let mut needed: BTreeSet<&str> = BTreeSet::new();
        for event in &window.events {
            needed.insert(event.pdu.sender().as_str());
            if event.pdu.event_type().to_string() == MEMBER {
                needed.extend(event.pdu.state_key());
            }
        }
        let (user_id, device) = (&self.base.request.user_id, &self.told_to);
        let sent_members = &self.base.sync.inner.sent_members;
        if from_nothing {
            sent_members.forget(user_id, device, room_id);
        }
        if needed.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<(&str, &str)> = needed.into_iter().map(|user_id| (MEMBER, user_id)).collect();
        let found = self.base.rooms().states().get_many(&self.base.snapshot, root, &keys).await?;
        let told = sent_members.of(user_id, device, room_id);
        let next = self.base.snapshot.position();
        let is_new = |event_id: &OwnedEventId| !told.note(event_id, self.base.since, next);
        Ok(found.into_iter().flatten().filter(is_new).collect())
    }

    async fn state_events<T>(&self, event_ids: &[OwnedEventId]) -> Result<Vec<Raw<T>>, SyncError> {
        let found = self.base.rooms().events(&self.base.snapshot, event_ids).await?;
        let events: Vec<Arc<RoomEvent>> = found.into_iter().flatten().collect();
        let reader = self.base.reader();
        Ok(self.base.rooms().sync_events(&self.base.snapshot, reader, &events).await?)
    }

    async fn heroes(&self, root: StateRoot, summary: &RoomSummary) -> Result<Vec<Hero>, SyncError> {
        #[derive(Default, Deserialize)]
        struct Content {
            #[serde(default)]
            displayname: Option<String>,
            #[serde(default)]
            avatar_url: Option<OwnedMxcUri>,
        }
        let (rooms, snapshot) = (self.base.rooms(), &self.base.snapshot);
        let heroes: Vec<OwnedUserId> = heroes(summary, &self.base.request.user_id);
        let keys: Vec<(&str, &str)> = heroes.iter().map(|hero| (MEMBER, hero.as_str())).collect();
        let event_ids = rooms.states().get_many(snapshot, root, &keys).await?;
        let mut told = Vec::with_capacity(heroes.len());
        for (user_id, event_id) in heroes.into_iter().zip(event_ids) {
            let event = match event_id {
                Some(event_id) => rooms.event(snapshot, &event_id).await?,
                None => None,
            };
            let content = event.and_then(|event| event.pdu.content_as::<Content>().ok());
            let Content { displayname, avatar_url } = content.unwrap_or_default();
            told.push(Hero { user_id, displayname, avatar_url });
        }
        Ok(told)
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

/// State that is no longer there: only its type and key are told.
fn gone_state<T>(combination: &Combination, changed: &[StateDifference]) -> Vec<Raw<T>> {
    let is_gone = |difference: &&StateDifference| {
        difference.after.is_none()
            && combination.state.matches(&difference.event_type, &difference.state_key)
    };
    let stub = |difference: &StateDifference| {
        let stub = serde_json::json!({
            "type": difference.event_type,
            "state_key": difference.state_key,
        });
        Raw::new(&stub).ok().map(Raw::cast_unchecked)
    };
    changed.iter().filter(is_gone).filter_map(stub).collect()
}
