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
use pli_rooms::{
    IgnoredUsers, MembershipKind, RecentRoom, RoomEvent, Rooms, THREAD_UNTHREADED, TimelineRange,
    UserRoom,
};
use pli_store::{Direction, Position, Snapshot, Stamp};
use quick_cache::sync::Cache;
use ruma::{
    EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UInt, UserId,
    events::{TimelineEventType, relation::RelationType},
    push::{Action, PushConditionRoomCtx, Ruleset},
};
use serde::Deserialize;

use crate::{
    PushError, PushRules,
    judge::Judgeables,
    power::{asks_for_power_levels, power_levels},
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

impl Counts {
    fn add(&mut self, event: &Notifying) {
        self.notifications += 1;
        self.highlights += u64::from(event.highlight);
    }
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
#[derive(Clone)]
struct Notifying {
    stamp: Stamp,
    event_id: OwnedEventId,
    thread: Option<OwnedEventId>,
    highlight: bool,
}

/// How far a user has read, outside threads.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Floors {
    /// Nothing up to here is unread, in threads or not.
    everywhere: Stamp,
    /// Nothing outside threads up to here is unread.
    main: Stamp,
}

/// What came of counting, to go on from.
#[derive(Clone)]
struct Counted {
    /// The position that the room was read at.
    read_at: Position,
    /// When the user came in.
    since: Stamp,
    floors: Floors,
    /// Everything up to here was looked at.
    up_to: Stamp,
    /// The rules it was looked at with.
    rules: Arc<Ruleset>,
    /// Whom the user ignored then.
    ignored: IgnoredUsers,
    notifying: VecDeque<Notifying>,
    counts: UnreadCounts,
}

/// Whose unread events are counted.
#[derive(Clone, Copy, Debug)]
pub struct UnreadOf<'a> {
    /// The user.
    pub user_id: &'a UserId,
    /// Their push rules ([`Unread::rules`]).
    pub rules: &'a Arc<Ruleset>,
    /// Whom they ignore: nothing that those send notifies (section "Ignoring Users").
    pub ignored: &'a IgnoredUsers,
    /// What they are to the room.
    pub user_room: &'a UserRoom,
    /// The room.
    pub recent: &'a RecentRoom,
}

/// Counts unread events. Cheap to clone.
#[derive(Clone)]
pub struct Unread {
    rooms: Rooms,
    rules: PushRules,
    counted: Arc<Cache<(OwnedUserId, OwnedRoomId), Arc<Counted>>>,
    judgeable: Judgeables,
}

impl Unread {
    /// Counts in these rooms by these rules.
    #[must_use]
    pub fn new(rooms: Rooms, rules: PushRules) -> Self {
        let counted = Arc::new(Cache::new(CACHED_ROOMS));
        Self { rooms, rules, counted, judgeable: Judgeables::new() }
    }

    /// The push rules to count a user's unread events by.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rules(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Arc<Ruleset>, PushError> {
        self.rules.get(snapshot, user_id).await
    }

    /// What a user has not read in a room that they are joined to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(
        &self,
        snapshot: &Snapshot,
        of: UnreadOf<'_>,
    ) -> Result<UnreadCounts, PushError> {
        if of.user_room.membership != MembershipKind::Join {
            return Ok(UnreadCounts::default());
        }
        let key = (of.user_id.to_owned(), of.user_room.room_id.clone());
        let is_usable = |known: &Arc<Counted>| {
            Arc::ptr_eq(&known.rules, of.rules)
                && known.ignored == *of.ignored
                && known.since == of.user_room.since
        };
        if let Some(known) = self.counted.get(&key).filter(is_usable)
            && known.read_at == of.recent.read_at()
        {
            return Ok(known.counts.clone());
        }
        // Taken out, so that it can be changed instead of copied.
        let known = self.counted.remove(&key).map(|(_, known)| known).filter(is_usable);
        let known = known.map(Arc::unwrap_or_clone);

        let has_read = known.as_ref().is_none_or(|known| has_read_since(known, of));
        let floors = match &known {
            Some(known) if !has_read => known.floors,
            _ => self.floors(snapshot, of).await?,
        };
        let counted = self.catch_up(snapshot, of, known, floors, has_read).await?;
        let counts = counted.counts.clone();
        self.counted.insert(key, Arc::new(counted));
        Ok(counts)
    }

    /// How far the user has read.
    async fn floors(&self, snapshot: &Snapshot, of: UnreadOf<'_>) -> Result<Floors, PushError> {
        let threads = [THREAD_UNTHREADED, THREAD_MAIN];
        let room_id = &of.user_room.room_id;
        let read = self.rooms.read_up_to(snapshot, room_id, &threads, of.user_id).await?;
        let [everywhere, in_main] = [0, 1].map(|index| read.get(index).copied().flatten());
        // What happened before the user came in was never unread.
        let everywhere = everywhere.unwrap_or(Stamp::MIN).max(of.user_room.since);
        Ok(Floors { everywhere, main: in_main.unwrap_or(everywhere).max(everywhere) })
    }

    /// Looks at the events since the last time.
    async fn catch_up(
        &self,
        snapshot: &Snapshot,
        of: UnreadOf<'_>,
        known: Option<Counted>,
        floors: Floors,
        has_read: bool,
    ) -> Result<Counted, PushError> {
        let UnreadOf { user_id, rules, ignored, user_room, recent } = of;
        let after =
            known.as_ref().map_or(floors.everywhere, |known| known.up_to.max(floors.everywhere));
        let mut events = match recent.newest(after, COUNTED_EVENTS) {
            Some(events) => events,
            None => {
                let range = TimelineRange { after, up_to: Stamp::last_at(snapshot.position()) };
                let room_id = &user_room.room_id;
                let backward = Direction::Backward;
                self.rooms.timeline(snapshot, room_id, range, COUNTED_EVENTS, backward).await?
            }
        };
        events.reverse();

        // What was counted stays counted unless something is taken out of it: by reading, in any
        // thread, or by a redaction.
        let mut stays = known.is_some() && !has_read;
        let mut counted = known.unwrap_or_else(|| Counted {
            read_at: recent.read_at(),
            since: user_room.since,
            floors,
            up_to: after,
            rules: Arc::clone(rules),
            ignored: ignored.clone(),
            notifying: VecDeque::new(),
            counts: UnreadCounts::default(),
        });
        let before = counted.notifying.len();
        while counted.notifying.front().is_some_and(|event| event.stamp <= floors.everywhere) {
            counted.notifying.pop_front();
        }
        let asks_for_power_levels = asks_for_power_levels(rules);
        let mut context = None;
        let mut new = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if index % JUDGED_AT_ONCE == JUDGED_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            if *event.pdu.event_type() == TimelineEventType::RoomRedaction
                && let Some(target) = self.redacted_by(snapshot, event).await?
            {
                // What was taken back can't be read any more, so it isn't unread.
                counted.notifying.retain(|known| known.event_id != target);
                new.retain(|known: &Notifying| known.event_id != target);
            }
            let sender = event.pdu.sender();
            let is_nobodys = sender == user_id || ignored.contains(sender);
            if is_nobodys || event.is_hidden() || event.redacted_by.is_some() {
                continue;
            }
            let context = match &mut context {
                Some(context) => context,
                None => context.insert(self.context(snapshot, of.into()).await?),
            };
            let Some(judgeable) = self.judgeable.of(event) else { continue };
            if context.power_levels.is_none()
                && (asks_for_power_levels || judgeable.may_mention_room())
            {
                let room_id = &user_room.room_id;
                context.power_levels = power_levels(&self.rooms, snapshot, room_id).await?;
            }
            let Some(actions) = judgeable.actions(rules, context).await else { continue };
            if let Some(stamp) = event.stamp
                && actions.iter().any(Action::should_notify)
            {
                let event_id = event.event_id().to_owned();
                let highlight = actions.iter().any(Action::is_highlight);
                new.push(Notifying { stamp, event_id, thread: thread_of(event), highlight });
            }
        }
        let surplus = (counted.notifying.len() + new.len()).saturating_sub(COUNTED_EVENTS);
        counted.notifying.drain(..surplus.min(counted.notifying.len()));
        stays &= counted.notifying.len() == before;

        let in_threads = new.iter().any(|event| event.thread.is_some());
        if stays && !in_threads {
            new.iter().for_each(|event| counted.counts.main.add(event));
            counted.notifying.extend(new);
        } else {
            counted.notifying.extend(new);
            counted.counts = self.sum_up(snapshot, of, &counted.notifying, floors).await?;
        }
        counted.read_at = recent.read_at();
        counted.floors = floors;
        counted.up_to = events.last().and_then(|event| event.stamp).unwrap_or(after);
        Ok(counted)
    }

    async fn sum_up(
        &self,
        snapshot: &Snapshot,
        of: UnreadOf<'_>,
        unread: &VecDeque<Notifying>,
        floors: Floors,
    ) -> Result<UnreadCounts, PushError> {
        let mut threads: Vec<&str> = unread
            .iter()
            .filter_map(|event| event.thread.as_deref())
            .map(EventId::as_str)
            .collect();
        threads.sort_unstable();
        threads.dedup();
        let mut read_in: HashMap<&str, Option<Stamp>> = HashMap::new();
        if !threads.is_empty() {
            let room_id = &of.user_room.room_id;
            let read = self.rooms.read_up_to(snapshot, room_id, &threads, of.user_id).await?;
            read_in.extend(threads.into_iter().zip(read));
        }

        let mut counts = UnreadCounts::default();
        for event in unread {
            let read_up_to = match &event.thread {
                None => Some(floors.main),
                Some(root) => read_in.get(root.as_str()).copied().flatten(),
            };
            if read_up_to.is_some_and(|read_up_to| event.stamp <= read_up_to) {
                continue;
            }
            let of_thread = match &event.thread {
                Some(root) => counts.threads.entry(root.clone()).or_default(),
                None => &mut counts.main,
            };
            of_thread.add(event);
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

    /// What a user's rules make of an event that somebody else sent: the actions of the first that
    /// applies, if these say to notify.
    pub(crate) async fn notifies(
        &self,
        snapshot: &Snapshot,
        of: NotifiedOf<'_>,
        event: &RoomEvent,
    ) -> Result<Option<Vec<Action>>, PushError> {
        if event.pdu.sender() == of.user_id || event.is_hidden() || event.redacted_by.is_some() {
            return Ok(None);
        }
        let Some(judgeable) = self.judgeable.of(event) else { return Ok(None) };
        let mut context = self.context(snapshot, of).await?;
        if judgeable.may_mention_room() || asks_for_power_levels(of.rules) {
            context.power_levels = power_levels(&self.rooms, snapshot, of.room_id).await?;
        }
        let actions = judgeable.actions(of.rules, &context).await;
        Ok(actions.filter(|actions| actions.iter().any(Action::should_notify)).map(<[_]>::to_vec))
    }

    /// Whether a user has read an event.
    pub(crate) async fn has_read(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        event: &RoomEvent,
    ) -> Result<bool, PushError> {
        let thread = thread_of(event);
        let thread = thread.as_deref().map_or(THREAD_MAIN, EventId::as_str);
        let threads = [THREAD_UNTHREADED, thread];
        let room_id = event.pdu.room_id();
        let read = self.rooms.read_up_to(snapshot, room_id, &threads, user_id).await?;
        Ok(read.into_iter().flatten().any(|up_to| event.stamp <= Some(up_to)))
    }

    /// What conditions ask about the room, except who may notify it.
    async fn context(
        &self,
        snapshot: &Snapshot,
        of: NotifiedOf<'_>,
    ) -> Result<PushConditionRoomCtx, PushError> {
        let member = self.rooms.event(snapshot, of.member_event_id).await?;
        let display_name = member.and_then(|member| display_name(&member));
        Ok(PushConditionRoomCtx::new(
            of.room_id.to_owned(),
            UInt::new_saturating(of.joined),
            of.user_id.to_owned(),
            display_name.unwrap_or_else(|| of.user_id.localpart().to_owned()),
        ))
    }
}

/// Whether the user may have read anything, in whatever thread, since this was counted.
fn has_read_since(known: &Counted, of: UnreadOf<'_>) -> bool {
    known.read_at > of.recent.read_at()
        || of.recent.has_read_since(of.user_id, known.read_at) != Some(false)
}

/// Whom an event may notify.
#[derive(Clone, Copy)]
pub(crate) struct NotifiedOf<'a> {
    /// The user.
    pub(crate) user_id: &'a UserId,
    /// Their push rules.
    pub(crate) rules: &'a Ruleset,
    /// The event that says what they are to the room.
    pub(crate) member_event_id: &'a EventId,
    /// The room.
    pub(crate) room_id: &'a RoomId,
    /// How many people are joined to it.
    pub(crate) joined: u64,
}

impl<'a> From<UnreadOf<'a>> for NotifiedOf<'a> {
    fn from(of: UnreadOf<'a>) -> Self {
        Self {
            user_id: of.user_id,
            rules: of.rules,
            member_event_id: &of.user_room.event_id,
            room_id: &of.user_room.room_id,
            joined: of.recent.summary().joined,
        }
    }
}

pub(crate) fn display_name(member: &RoomEvent) -> Option<String> {
    #[derive(Deserialize)]
    struct Content {
        displayname: Option<String>,
    }
    member.pdu.content_as::<Content>().ok()?.displayname
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
