//! A user's rooms by their last activity, kept in memory: `docs/decisions/0005-sliding-order.md`.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use pli_accounts::AccountData;
use pli_rooms::{MembershipKind, UserRoom};
use pli_store::{Position, Snapshot};
use quick_cache::{Weighter, sync::Cache};
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Changes, Sync, SyncError};

/// About how many bytes of orders are kept.
const CACHED_BYTES: u64 = 64 * 1024 * 1024;
/// About what one room of an order takes.
const BYTES_PER_ROOM: u64 = 400;
/// Of how many rooms it is kept what lists need of them, for all their members.
const CACHED_ROOMS: usize = 65_536;

/// What lists need of a room.
#[derive(Debug, Default)]
pub(crate) struct RoomFacts {
    /// The snapshot that it was read from.
    read_at: Position,
    /// Where the last event was appended.
    last_event: Position,
    /// Where the last event was appended for which the room moves up.
    pub(crate) bump_stamp: Position,
    pub(crate) is_encrypted: bool,
    pub(crate) room_type: Option<Box<str>>,
    pub(crate) name: Option<Box<str>>,
    /// Until when any event of the room sticks, in milliseconds since the Unix epoch.
    pub(crate) sticky_until_ms: u64,
}

/// A room of a user.
#[derive(Debug)]
pub(crate) struct ListedRoom {
    pub(crate) room_id: OwnedRoomId,
    pub(crate) membership: MembershipKind,
    /// The last activity that the user may know of.
    pub(crate) active_at: Position,
    /// Whether lists show it. Rooms that the user left of their own accord are told to connections
    /// that know them, and shown by no list.
    pub(crate) is_listed: bool,
    pub(crate) facts: Arc<RoomFacts>,
}

impl ListedRoom {
    /// What the client sorts by.
    pub(crate) fn bump_stamp(&self) -> Position {
        match self.membership {
            MembershipKind::Join => self.facts.bump_stamp,
            _ => self.active_at,
        }
    }
}

/// A room of an order, with what lists ask of each room beside it: to count a list's rooms, memory is
/// read in one piece, not at two places for each of thousands.
#[derive(Debug)]
pub(crate) struct OrderedRoom {
    pub(crate) room: Arc<ListedRoom>,
    pub(crate) is_listed: bool,
    pub(crate) is_encrypted: bool,
    pub(crate) is_invite: bool,
    /// Whether any of its events may stick.
    pub(crate) is_sticky: bool,
    has_type: bool,
}

impl OrderedRoom {
    fn new(room: Arc<ListedRoom>) -> Self {
        Self {
            is_listed: room.is_listed,
            is_encrypted: room.facts.is_encrypted,
            is_invite: room.membership == MembershipKind::Invite,
            is_sticky: room.facts.sticky_until_ms > 0,
            has_type: room.facts.room_type.is_some(),
            room,
        }
    }

    pub(crate) fn room_type(&self) -> Option<&str> {
        if self.has_type { self.room.facts.room_type.as_deref() } else { None }
    }
}

/// A user's rooms, last activity first.
#[derive(Debug)]
pub(crate) struct RoomOrder {
    /// The snapshot that it shows.
    as_of: Position,
    rooms: Vec<OrderedRoom>,
    by_id: HashMap<OwnedRoomId, Arc<ListedRoom>>,
    /// The direct conversations, as `m.direct` names them.
    pub(crate) direct: Arc<HashSet<OwnedRoomId>>,
    /// The tags of each room; read when a filter asks for them.
    tags: Option<Arc<HashMap<OwnedRoomId, Vec<String>>>>,
}

impl RoomOrder {
    /// All rooms, last activity first.
    pub(crate) fn rooms(&self) -> &[OrderedRoom] {
        &self.rooms
    }

    pub(crate) fn get(&self, room_id: &RoomId) -> Option<&Arc<ListedRoom>> {
        self.by_id.get(room_id)
    }

    /// The rooms in which something was appended after a position.
    pub(crate) fn active_since(
        &self,
        since: Position,
    ) -> impl Iterator<Item = &Arc<ListedRoom>> + '_ {
        let rooms = self.rooms.iter().map(|ordered| &ordered.room);
        rooms.take_while(move |room| room.active_at > since)
    }

    fn place(room: &ListedRoom) -> (Reverse<Position>, &RoomId) {
        (Reverse(room.active_at), &room.room_id)
    }

    fn find(&self, room: &ListedRoom) -> Result<usize, usize> {
        self.rooms.binary_search_by(|other| Self::place(&other.room).cmp(&Self::place(room)))
    }

    fn remove(&mut self, room_id: &RoomId) {
        let Some(former) = self.by_id.remove(room_id) else { return };
        if let Ok(index) = self.find(&former) {
            self.rooms.remove(index);
        }
    }

    fn insert(&mut self, room: ListedRoom) {
        self.remove(&room.room_id);
        let room = Arc::new(room);
        if let Err(index) = self.find(&room) {
            self.rooms.insert(index, OrderedRoom::new(Arc::clone(&room)));
        }
        self.by_id.insert(room.room_id.clone(), room);
    }
}

/// A user's order, in the hands of one request at a time.
pub(crate) type SharedOrder = Arc<tokio::sync::Mutex<Option<RoomOrder>>>;

#[derive(Clone)]
struct Weighed {
    order: SharedOrder,
    bytes: u64,
}

#[derive(Clone)]
struct OrderWeight;

impl Weighter<OwnedUserId, Weighed> for OrderWeight {
    fn weight(&self, _user_id: &OwnedUserId, weighed: &Weighed) -> u64 {
        weighed.bytes
    }
}

/// The orders of the users who asked lately, and what they share. All of it can be read again.
pub(crate) struct Orders {
    orders: Cache<OwnedUserId, Weighed, OrderWeight>,
    facts: Cache<OwnedRoomId, Arc<RoomFacts>>,
}

impl Orders {
    pub(crate) fn new() -> Self {
        Self {
            orders: Cache::with_weighter(4_096, CACHED_BYTES, OrderWeight),
            facts: Cache::new(CACHED_ROOMS),
        }
    }

    fn of(&self, user_id: &UserId) -> SharedOrder {
        if let Some(weighed) = self.orders.get(user_id) {
            return weighed.order;
        }
        let order = SharedOrder::default();
        self.keep(user_id, &order, 0);
        order
    }

    fn keep(&self, user_id: &UserId, order: &SharedOrder, rooms: usize) {
        let rooms = u64::try_from(rooms).unwrap_or(u64::MAX);
        let bytes = 1_024 + BYTES_PER_ROOM * rooms;
        self.orders.insert(user_id.to_owned(), Weighed { order: Arc::clone(order), bytes });
    }
}

impl Sync {
    /// A user's rooms, to be read and brought up to date by one request at a time.
    pub(crate) fn room_order(&self, user_id: &UserId) -> SharedOrder {
        self.inner.sliding.orders.of(user_id)
    }

    /// Brings an order up to a snapshot: by what changed since, or, when that isn't known, by reading
    /// all of the user's rooms.
    pub(crate) async fn refresh_order<'o>(
        &self,
        shared: &SharedOrder,
        order: &'o mut Option<RoomOrder>,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<&'o mut RoomOrder, SyncError> {
        let known = order.take().filter(|known| known.as_of <= snapshot.position());
        let changes = known.as_ref().map_or(Changes::Unknown, |known| {
            self.inner.notifier.changes(user_id, known.as_of, self.inner.notifier.ephemeral())
        });
        let refreshed = match (known, changes) {
            (Some(known), Changes::Nothing) => known,
            (Some(known), Changes::Some(news)) => {
                self.follow_order(known, &news.rooms, news.own, snapshot, user_id).await?
            }
            (_, _) => {
                let built = self.build_order(snapshot, user_id).await?;
                self.inner.sliding.orders.keep(user_id, shared, built.rooms.len());
                built
            }
        };
        let refreshed = order.insert(refreshed);
        refreshed.as_of = snapshot.position();
        Ok(refreshed)
    }

    async fn follow_order(
        &self,
        mut order: RoomOrder,
        changed: &[OwnedRoomId],
        own: bool,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<RoomOrder, SyncError> {
        let mut again: Vec<OwnedRoomId> = changed.to_vec();
        if own {
            // Forgetting a room shows nowhere else.
            let is_gone = |room: &ListedRoom| {
                room.is_listed
                    && matches!(room.membership, MembershipKind::Leave | MembershipKind::Ban)
            };
            // Nor does whose invitations the user wants to see.
            let may_change = order.rooms.iter().filter(|of| of.is_invite || is_gone(&of.room));
            again.extend(may_change.map(|ordered| ordered.room.room_id.clone()));
            order.direct = Arc::new(direct(snapshot, user_id).await?);
            order.tags = None;
        }
        let mut user_rooms = Vec::with_capacity(again.len());
        for room_id in &again {
            match self.inner.rooms.user_room(snapshot, user_id, room_id).await? {
                Some(user_room) => user_rooms.push(user_room),
                None => order.remove(room_id),
            }
        }
        for room in self.listed(snapshot, user_id, user_rooms).await? {
            order.insert(room);
        }
        Ok(order)
    }

    async fn build_order(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<RoomOrder, SyncError> {
        let user_rooms = self.inner.rooms.user_rooms(snapshot, user_id).await?;
        let listed = self.listed(snapshot, user_id, user_rooms).await?;
        let mut rooms: Vec<_> = listed.into_iter().map(Arc::new).collect();
        rooms.sort_unstable_by(|one, other| RoomOrder::place(one).cmp(&RoomOrder::place(other)));
        let by_id = rooms.iter().map(|room| (room.room_id.clone(), Arc::clone(room))).collect();
        let rooms = rooms.into_iter().map(OrderedRoom::new).collect();
        let direct = Arc::new(direct(snapshot, user_id).await?);
        Ok(RoomOrder { as_of: snapshot.position(), rooms, by_id, direct, tags: None })
    }

    async fn listed(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        user_rooms: Vec<UserRoom>,
    ) -> Result<Vec<ListedRoom>, SyncError> {
        let joined = user_rooms.iter().filter(|room| room.membership == MembershipKind::Join);
        let joined: Vec<OwnedRoomId> = joined.map(|room| room.room_id.clone()).collect();
        let mut facts = self.facts_of(snapshot, joined).await?;

        // Who left of their own accord knows it; who was removed may not.
        let may_be_removed: Vec<&UserRoom> = user_rooms
            .iter()
            .filter(|room| room.membership == MembershipKind::Leave)
            .filter(|room| room.joined_until.is_some() && !room.forgotten)
            .collect();
        let event_ids: Vec<_> = may_be_removed.iter().map(|room| room.event_id.clone()).collect();
        let events = self.inner.rooms.events(snapshot, &event_ids).await?;
        let removed: HashSet<OwnedRoomId> = may_be_removed
            .iter()
            .zip(events)
            .filter(|(_, event)| event.as_ref().is_some_and(|event| event.pdu.sender() != user_id))
            .map(|(room, _)| room.room_id.clone())
            .collect();

        let unwanted = self.unwanted_invites(snapshot, user_id, &user_rooms).await?;
        let mut listed = Vec::with_capacity(user_rooms.len());
        for user_room in user_rooms {
            let UserRoom { room_id, membership, changed, joined_until, forgotten, .. } = user_room;
            let mut active_at = changed.position();
            let (is_listed, facts) = match membership {
                MembershipKind::Join => {
                    let facts = facts.remove(&room_id).unwrap_or_default();
                    active_at = facts.last_event;
                    (true, facts)
                }
                MembershipKind::Invite | MembershipKind::Knock => {
                    let facts = told_facts(user_room.stripped_state.as_deref());
                    (!unwanted.contains(&room_id), Arc::new(facts))
                }
                // A room that the user was banned from without ever having been in it is none of
                // theirs.
                MembershipKind::Ban => (joined_until.is_some() && !forgotten, Arc::default()),
                MembershipKind::Leave => (removed.contains(&room_id), Arc::default()),
            };
            listed.push(ListedRoom { room_id, membership, active_at, is_listed, facts });
        }
        Ok(listed)
    }

    /// The rooms to which people invite the user whose invitations they don't want.
    async fn unwanted_invites(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        user_rooms: &[UserRoom],
    ) -> Result<HashSet<OwnedRoomId>, SyncError> {
        let mut unwanted = HashSet::new();
        let is_invite = |room: &&UserRoom| room.membership == MembershipKind::Invite;
        let mut invites = user_rooms.iter().filter(is_invite).peekable();
        if invites.peek().is_none() {
            return Ok(unwanted);
        }
        let rooms = &self.inner.rooms;
        let ignored = rooms.ignored_users(snapshot, user_id).await?;
        for invite in invites {
            if rooms.is_unwanted_invite(snapshot, user_id, &ignored, invite).await? {
                unwanted.insert(invite.room_id.clone());
            }
        }
        Ok(unwanted)
    }

    /// What lists need of rooms, read once for all who are in them.
    async fn facts_of(
        &self,
        snapshot: &Snapshot,
        room_ids: Vec<OwnedRoomId>,
    ) -> Result<HashMap<OwnedRoomId, Arc<RoomFacts>>, SyncError> {
        let read_at = snapshot.position();
        let cache = &self.inner.sliding.orders.facts;
        let mut found = HashMap::with_capacity(room_ids.len());
        let mut missing = Vec::new();
        for room_id in room_ids {
            let changed = self.inner.notifier.room_changed(&room_id);
            let known = cache.get(&room_id);
            match known.filter(|known| changed <= known.read_at && known.read_at <= read_at) {
                Some(known) => drop(found.insert(room_id, known)),
                None => missing.push(room_id),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let heads = self.inner.rooms.heads(snapshot, &missing).await?;
        let summaries = self.inner.rooms.summaries(snapshot, &missing).await?;
        for ((room_id, head), summary) in missing.into_iter().zip(heads).zip(summaries) {
            let Some(((head, last_event), (summary, _))) = head.zip(summary) else { continue };
            let facts = Arc::new(RoomFacts {
                read_at,
                last_event,
                bump_stamp: head.bump_stamp(last_event).position(),
                is_encrypted: summary.encryption.is_some(),
                room_type: summary.room_type.map(String::into_boxed_str),
                name: summary.name.map(String::into_boxed_str),
                sticky_until_ms: summary.sticky_until_ms,
            });
            cache.insert(room_id.clone(), Arc::clone(&facts));
            found.insert(room_id, facts);
        }
        Ok(found)
    }

    /// The tags of a user's rooms, for filters.
    pub(crate) async fn tags(
        &self,
        order: &mut RoomOrder,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Arc<HashMap<OwnedRoomId, Vec<String>>>, SyncError> {
        #[derive(Deserialize)]
        struct Content {
            tags: HashMap<String, serde::de::IgnoredAny>,
        }
        if let Some(tags) = &order.tags {
            return Ok(Arc::clone(tags));
        }
        let mut tags = HashMap::new();
        for data in AccountData::all(snapshot, user_id).await? {
            let Some(room_id) = data.room_id.filter(|_| data.event_type == "m.tag") else {
                continue;
            };
            if let Ok(content) = serde_json::from_str::<Content>(data.content.get()) {
                tags.insert(room_id, content.tags.into_keys().collect());
            }
        }
        Ok(Arc::clone(order.tags.insert(Arc::new(tags))))
    }
}

async fn direct(snapshot: &Snapshot, user_id: &UserId) -> Result<HashSet<OwnedRoomId>, SyncError> {
    let Some(data) = AccountData::get_at(snapshot, user_id, None, "m.direct").await? else {
        return Ok(HashSet::new());
    };
    // Clients write it, and some wrote nonsense: that names no rooms.
    let named: HashMap<String, Vec<String>> =
        serde_json::from_str(data.content.get()).unwrap_or_default();
    let rooms = named.into_values().flatten().filter_map(|id| OwnedRoomId::try_from(id).ok());
    Ok(rooms.collect())
}

/// What an invitation tells of its room.
fn told_facts(stripped_state: Option<&str>) -> RoomFacts {
    #[derive(Deserialize)]
    struct Stripped<'a> {
        r#type: &'a str,
        #[serde(borrow)]
        content: &'a RawValue,
    }
    #[derive(Default, Deserialize)]
    struct Content {
        #[serde(default, rename = "type")]
        room_type: Option<Box<str>>,
        #[serde(default)]
        name: Option<Box<str>>,
    }
    let mut facts = RoomFacts::default();
    let events: Vec<Stripped<'_>> =
        stripped_state.and_then(|events| serde_json::from_str(events).ok()).unwrap_or_default();
    for event in events {
        let content = || serde_json::from_str::<Content>(event.content.get()).unwrap_or_default();
        match event.r#type {
            "m.room.encryption" => facts.is_encrypted = true,
            "m.room.create" => facts.room_type = content().room_type,
            "m.room.name" => facts.name = content().name,
            _ => {}
        }
    }
    facts
}
