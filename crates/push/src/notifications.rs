//! The list of what notified (client-server API, section "Listing Notifications").
//!
//! Nothing is written for it: who asks is shown what their rules say of the newest events of their
//! rooms, newest first.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
    time::Duration,
};

use pli_rooms::{
    IgnoredUsers, MembershipKind, PaginationToken, Reader, RoomEvent, Rooms, TimelineRange,
    UserRoom,
};
use pli_store::{Direction, Snapshot, Stamp, Store, ambient::Ambient};
use ruma::{
    DeviceId, MilliSecondsSinceUnixEpoch, OwnedRoomId, UserId, events::AnySyncTimelineEvent,
    push::Action, serde::Raw,
};

use crate::{PushError, Unread, unread::NotifiedOf};

/// How long what notified is listed.
const LISTED_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How many events are judged for one page: then it ends, also if it isn't full.
const JUDGED_FOR_PAGE: usize = 2_000;
/// How many are judged before other tasks get their turn.
const JUDGED_AT_ONCE: usize = 64;
/// How many events of a room are read at once.
const READ_AT_ONCE: usize = 32;
/// The longest page.
const LONGEST_PAGE: usize = 500;
/// The length of a page when the client doesn't say.
const USUAL_PAGE: usize = 50;

/// Which notifications somebody wants to see.
#[derive(Clone, Debug, Default)]
pub struct NotificationsWanted {
    /// Where the page before ended.
    pub from: Option<String>,
    /// How many at most.
    pub limit: Option<usize>,
    /// Only those that highlight.
    pub only_highlights: bool,
}

/// An event that notified.
#[derive(Clone, Debug)]
pub struct Notified {
    /// The event, as clients see it.
    pub event: Raw<AnySyncTimelineEvent>,
    /// Where it was sent.
    pub room_id: OwnedRoomId,
    /// When it was sent.
    pub ts: MilliSecondsSinceUnixEpoch,
    /// What the rule says to do.
    pub actions: Vec<Action>,
    /// Whether it has been read.
    pub read: bool,
}

/// A page of notifications, newest first.
#[derive(Clone, Debug, Default)]
pub struct NotifiedPage {
    /// The notifications.
    pub notifications: Vec<Notified>,
    /// Where to go on; `None`: there is no more.
    pub next: Option<String>,
}

/// Lists what notified. Cheap to clone.
#[derive(Clone)]
pub struct Notifications {
    store: Store,
    ambient: Ambient,
    rooms: Rooms,
    unread: Unread,
}

/// A room whose timeline is walked backward.
struct Walk {
    user_room: UserRoom,
    joined: u64,
    events: VecDeque<Arc<RoomEvent>>,
}

/// Where a room's walk goes on: at an event that was read, or below a place that nothing was read of.
#[derive(PartialEq, Eq)]
struct Turn {
    at: Stamp,
    walk: usize,
    is_read: bool,
}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> Ordering {
        // Of two at the same place, the one that isn't read yet comes first.
        (self.at, !self.is_read, self.walk).cmp(&(other.at, !other.is_read, other.walk))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Notifications {
    /// Lists what notified in these rooms.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient, rooms: Rooms, unread: Unread) -> Self {
        Self { store, ambient, rooms, unread }
    }

    /// A page of what notified a user in the last 30 days.
    ///
    /// # Errors
    /// [`PushError::InvalidFrom`] for a token that isn't this server's; when the store fails.
    pub async fn list(
        &self,
        user_id: &UserId,
        device_id: &DeviceId,
        wanted: &NotificationsWanted,
    ) -> Result<NotifiedPage, PushError> {
        let up_to = match &wanted.from {
            Some(from) => {
                let token: PaginationToken = from.parse().map_err(|_| PushError::InvalidFrom)?;
                token.stamp()
            }
            None => Stamp::MAX,
        };
        let limit = wanted.limit.unwrap_or(USUAL_PAGE).clamp(1, LONGEST_PAGE);
        let snapshot = self.store.snapshot().await?;
        let rules = self.unread.rules(&snapshot, user_id).await?;
        let ignored = self.rooms.ignored_users(&snapshot, user_id).await?;
        let (mut walks, mut turns) = self.start(&snapshot, user_id, &ignored, up_to).await?;
        let listed_for_ms = u64::try_from(LISTED_FOR.as_millis()).unwrap_or(u64::MAX);
        let oldest_ms = self.ambient.now_ms().saturating_sub(listed_for_ms);

        let mut page = NotifiedPage::default();
        let mut judged = 0;
        while let Some(turn) = turns.pop() {
            if page.notifications.len() == limit || judged == JUDGED_FOR_PAGE {
                // Everything above this turn was looked at.
                page.next = Some(PaginationToken::after(turn.at).to_string());
                break;
            }
            let walk = &mut walks[turn.walk];
            if !turn.is_read {
                let range = TimelineRange { after: floor_of(&walk.user_room), up_to: turn.at };
                let room_id = &walk.user_room.room_id;
                let backward = Direction::Backward;
                let read = self.rooms.timeline(&snapshot, room_id, range, READ_AT_ONCE, backward);
                walk.events = read.await?.into();
                if let Some(at) = walk.events.front().and_then(|event| event.stamp) {
                    turns.push(Turn { at, is_read: true, ..turn });
                }
                continue;
            }
            let Some(event) = walk.events.pop_front() else { continue };
            if u64::from(event.pdu.origin_server_ts().get()) < oldest_ms {
                continue;
            }
            turns.push(match walk.events.front().and_then(|next| next.stamp) {
                Some(at) => Turn { at, is_read: true, walk: turn.walk },
                None => {
                    let at = PaginationToken::before(turn.at).stamp();
                    Turn { at, is_read: false, walk: turn.walk }
                }
            });
            if ignored.contains(event.pdu.sender()) {
                continue;
            }
            judged += 1;
            if judged % JUDGED_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
            let of = NotifiedOf {
                user_id,
                rules: &rules,
                member_event_id: &walk.user_room.event_id,
                room_id: &walk.user_room.room_id,
                joined: walk.joined,
            };
            let Some(actions) = self.unread.notifies(&snapshot, of, &event).await? else {
                continue;
            };
            if wanted.only_highlights && !actions.iter().any(Action::is_highlight) {
                continue;
            }
            let read = self.unread.has_read(&snapshot, user_id, &event).await?;
            let reader = Reader { user_id, device_id: Some(device_id) };
            let shown = self.rooms.sync_events(&snapshot, reader, &[Arc::clone(&event)]).await?;
            page.notifications.extend(shown.into_iter().map(|shown| Notified {
                event: shown,
                room_id: event.pdu.room_id().to_owned(),
                ts: event.pdu.origin_server_ts(),
                actions: actions.clone(),
                read,
            }));
        }
        Ok(page)
    }

    /// The rooms to look into, each from its newest event that may be shown.
    async fn start(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        ignored: &IgnoredUsers,
        up_to: Stamp,
    ) -> Result<(Vec<Walk>, BinaryHeap<Turn>), PushError> {
        let mut user_rooms = self.rooms.user_rooms(snapshot, user_id).await?;
        let shown = [MembershipKind::Join, MembershipKind::Invite];
        user_rooms.retain(|user_room| shown.contains(&user_room.membership));
        let ids: Vec<OwnedRoomId> = user_rooms.iter().map(|room| room.room_id.clone()).collect();
        let heads = self.rooms.heads(snapshot, &ids).await?;
        let summaries = self.rooms.summaries(snapshot, &ids).await?;
        let mut walks = Vec::with_capacity(ids.len());
        let mut turns = BinaryHeap::with_capacity(ids.len());
        for (user_room, (head, summary)) in
            user_rooms.into_iter().zip(heads.into_iter().zip(summaries))
        {
            let (Some((_, newest)), Some((summary, _))) = (head, summary) else { continue };
            // Who is invited sees the invitation, and nothing after it.
            let newest = match user_room.membership {
                MembershipKind::Invite => {
                    let (rooms, invite) = (&self.rooms, &user_room);
                    if rooms.is_unwanted_invite(snapshot, user_id, ignored, invite).await? {
                        continue;
                    }
                    user_room.changed
                }
                _ => Stamp::last_at(newest),
            };
            let at = newest.min(up_to);
            if at > floor_of(&user_room) {
                turns.push(Turn { at, walk: walks.len(), is_read: false });
                walks.push(Walk { user_room, joined: summary.joined, events: VecDeque::new() });
            }
        }
        Ok((walks, turns))
    }
}

/// What is up to here didn't concern the user: it was before they came in.
fn floor_of(user_room: &UserRoom) -> Stamp {
    match user_room.membership {
        MembershipKind::Invite => PaginationToken::before(user_room.changed).stamp(),
        _ => user_room.since,
    }
}
