//! How many unread events notify (client-server API, sections "Receiving notifications" and
//! "Threaded read receipts").
//!
//! Nothing is counted when an event is sent: that would cost every member something with every
//! message. A user's counts are brought up to date when the user looks, from where they were counted
//! last; what was counted is a cache that can be lost.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use pli_events::room_version_rules;
use pli_rooms::{MembershipKind, RoomEvent, Rooms, THREAD_UNTHREADED, TimelineRange, UserRoom};
use pli_store::{Direction, Snapshot, Stamp};
use quick_cache::sync::Cache;
use ruma::{
    EventId, OwnedEventId, OwnedRoomId, OwnedUserId, UInt, UserId,
    events::{TimelineEventType, relation::RelationType},
    push::{Action, PushConditionRoomCtx, Ruleset},
    serde::Raw,
};
use serde::Deserialize;

use crate::{
    PushError, PushRules,
    power::{needs_power_levels, power_levels},
};

/// How far back counting goes: beyond this many events, a count no longer tells anybody anything,
/// and the work stays bounded.
const COUNTED_EVENTS: usize = 1_000;
/// How many events are judged before other tasks get their turn.
const JUDGED_AT_ONCE: usize = 64;
/// How many (user, room) pairs are remembered.
const CACHED_ROOMS: usize = 200_000;
/// The receipt's thread of events outside threads.
const THREAD_MAIN: &str = "main";

/// Unread events that notify, and those of them that highlight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events whose actions include `notify`.
    pub notifications: u64,
    /// Those of them that highlight.
    pub highlights: u64,
}

/// A user's unread events in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadCounts {
    /// Outside threads.
    pub main: Counts,
    /// In each thread that has any, by its root.
    pub threads: BTreeMap<OwnedEventId, Counts>,
}

impl UnreadCounts {
    /// All together: what clients that don't know threads are told.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.threads.values().fold(self.main, |sum, counts| Counts {
            notifications: sum.notifications + counts.notifications,
            highlights: sum.highlights + counts.highlights,
        })
    }
}

/// An event that notifies and was unread when it was counted.
struct Notifying {
    stamp: Stamp,
    event_id: OwnedEventId,
    thread: Option<OwnedEventId>,
    highlight: bool,
}

#[derive(Clone)]
struct Counted {
    /// Everything up to here was looked at.
    up_to: Stamp,
    /// The rules it was looked at with.
    rules: Arc<Ruleset>,
    notifying: VecDeque<Arc<Notifying>>,
}

/// Counts unread events. Cheap to clone.
#[derive(Clone)]
pub struct Unread {
    rooms: Rooms,
    rules: PushRules,
    counted: Arc<Cache<(OwnedUserId, OwnedRoomId), Arc<Counted>>>,
}

impl Unread {
    /// Counts in these rooms by these rules.
    #[must_use]
    pub fn new(rooms: Rooms, rules: PushRules) -> Self {
        Self { rooms, rules, counted: Arc::new(Cache::new(CACHED_ROOMS)) }
    }

    /// What a user has not read in a room that they are joined to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        user_room: &UserRoom,
    ) -> Result<UnreadCounts, PushError> {
        if user_room.membership != MembershipKind::Join {
            return Ok(UnreadCounts::default());
        }
        let rules = self.rules.get(snapshot, user_id).await?;
        let threads = [THREAD_UNTHREADED, THREAD_MAIN];
        let room_id = &user_room.room_id;
        let read = self.rooms.read_up_to(snapshot, room_id, &threads, user_id).await?;
        let [everywhere, in_main] = [0, 1].map(|index| read.get(index).copied().flatten());
        // What happened before the user came in was never unread.
        let floor = everywhere.unwrap_or(Stamp::MIN).max(user_room.since);
        let main_floor = in_main.unwrap_or(floor).max(floor);
        let counted = self.catch_up(snapshot, user_id, user_room, &rules, floor).await?;
        self.sum_up(snapshot, user_id, user_room, &counted, floor, main_floor).await
    }

    /// Looks at the events since the last time.
    async fn catch_up(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        user_room: &UserRoom,
        rules: &Arc<Ruleset>,
        floor: Stamp,
    ) -> Result<Arc<Counted>, PushError> {
        let key = (user_id.to_owned(), user_room.room_id.clone());
        let known = self.counted.get(&key).filter(|known| Arc::ptr_eq(&known.rules, rules));
        let now = Stamp::last_at(snapshot.position());
        let after = known.as_ref().map_or(floor, |known| known.up_to.max(floor));

        let range = TimelineRange { after, up_to: now };
        let mut events = self
            .rooms
            .timeline(snapshot, &user_room.room_id, range, COUNTED_EVENTS, Direction::Backward)
            .await?;
        if let Some(known) = &known
            && events.is_empty()
        {
            return Ok(Arc::clone(known));
        }
        events.reverse();

        let mut notifying = known.map_or_else(VecDeque::new, |known| known.notifying.clone());
        notifying.retain(|event| event.stamp > floor);
        let mut context = None;
        for (index, event) in events.iter().enumerate() {
            if index % JUDGED_AT_ONCE == JUDGED_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            if *event.pdu.event_type() == TimelineEventType::RoomRedaction
                && let Some(target) = self.redacted_by(snapshot, event).await?
            {
                // What was taken back can't be read any more, so it isn't unread.
                notifying.retain(|known| known.event_id != target);
            }
            if event.pdu.sender() == user_id || event.is_hidden() || event.redacted_by.is_some() {
                continue;
            }
            let context = match &mut context {
                Some(context) => context,
                None => context.insert(self.context(snapshot, user_id, user_room).await?),
            };
            if context.power_levels.is_none() && needs_power_levels(event, rules) {
                let room_id = &user_room.room_id;
                context.power_levels = power_levels(&self.rooms, snapshot, room_id).await?;
            }
            if let Some(found) = judge(event, rules, context).await {
                notifying.push_back(Arc::new(found));
            }
        }
        let surplus = notifying.len().saturating_sub(COUNTED_EVENTS);
        notifying.drain(..surplus);

        let up_to = events.last().and_then(|event| event.stamp).unwrap_or(after);
        let counted = Arc::new(Counted { up_to, rules: Arc::clone(rules), notifying });
        self.counted.insert(key, Arc::clone(&counted));
        Ok(counted)
    }

    async fn sum_up(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        user_room: &UserRoom,
        counted: &Counted,
        floor: Stamp,
        main_floor: Stamp,
    ) -> Result<UnreadCounts, PushError> {
        let unread = || counted.notifying.iter().filter(|event| event.stamp > floor);
        let mut threads: Vec<&str> =
            unread().filter_map(|event| event.thread.as_deref()).map(EventId::as_str).collect();
        threads.sort_unstable();
        threads.dedup();
        let mut read_in: HashMap<&str, Option<Stamp>> = HashMap::new();
        if !threads.is_empty() {
            let room_id = &user_room.room_id;
            let read = self.rooms.read_up_to(snapshot, room_id, &threads, user_id).await?;
            read_in.extend(threads.into_iter().zip(read));
        }

        let mut counts = UnreadCounts::default();
        for event in unread() {
            let read_up_to = match &event.thread {
                None => Some(main_floor),
                Some(root) => read_in.get(root.as_str()).copied().flatten(),
            };
            if read_up_to.is_some_and(|read_up_to| event.stamp <= read_up_to) {
                continue;
            }
            let of_thread = match &event.thread {
                Some(root) => counts.threads.entry(root.clone()).or_default(),
                None => &mut counts.main,
            };
            of_thread.notifications += 1;
            of_thread.highlights += u64::from(event.highlight);
        }
        Ok(counts)
    }

    /// The event that a redaction takes back.
    async fn redacted_by(
        &self,
        snapshot: &Snapshot,
        redaction: &RoomEvent,
    ) -> Result<Option<OwnedEventId>, PushError> {
        let head = self.rooms.head(snapshot, redaction.pdu.room_id()).await?;
        let rules = head.and_then(|(head, _)| room_version_rules(&head.room_version).ok());
        let target = rules.and_then(|rules| redaction.pdu.redacts(&rules.redaction));
        Ok(target.map(ToOwned::to_owned).filter(|_| !redaction.is_hidden()))
    }

    /// What conditions ask about the room, except who may notify it.
    async fn context(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        user_room: &UserRoom,
    ) -> Result<PushConditionRoomCtx, PushError> {
        let summary = self.rooms.summary(snapshot, &user_room.room_id).await?;
        let joined = summary.map_or(0, |(summary, _)| summary.joined);
        let member = self.rooms.event(snapshot, &user_room.event_id).await?;
        let display_name = member.and_then(|member| display_name(&member));
        Ok(PushConditionRoomCtx::new(
            user_room.room_id.clone(),
            UInt::new_saturating(joined),
            user_id.to_owned(),
            display_name.unwrap_or_else(|| user_id.localpart().to_owned()),
        ))
    }
}

fn display_name(member: &RoomEvent) -> Option<String> {
    #[derive(Deserialize)]
    struct Content {
        displayname: Option<String>,
    }
    member.pdu.content_as::<Content>().ok()?.displayname
}

async fn judge(
    event: &RoomEvent,
    rules: &Ruleset,
    context: &PushConditionRoomCtx,
) -> Option<Notifying> {
    let stamp = event.stamp?;
    let raw: Raw<serde::de::IgnoredAny> =
        Raw::from_json_string(event.pdu.json().to_owned()).ok()?;
    let actions = rules.get_actions(&raw, context).await;
    if !actions.iter().any(Action::should_notify) {
        return None;
    }
    let highlight = actions.iter().any(Action::is_highlight);
    let event_id = event.event_id().to_owned();
    Some(Notifying { stamp, event_id, thread: thread_of(event), highlight })
}

/// The root of the thread that an event is part of.
fn thread_of(event: &RoomEvent) -> Option<OwnedEventId> {
    #[derive(Deserialize)]
    struct Content {
        #[serde(rename = "m.relates_to")]
        relates_to: Option<Relation>,
    }
    #[derive(Deserialize)]
    struct Relation {
        rel_type: Option<RelationType>,
        event_id: Option<OwnedEventId>,
    }
    if *event.pdu.event_type() == TimelineEventType::RoomRedaction {
        return None;
    }
    let relation = event.pdu.content_as::<Content>().ok()?.relates_to?;
    (relation.rel_type? == RelationType::Thread).then_some(relation.event_id).flatten()
}
