//! Which rooms a request is about, and what it wants of each.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use pli_rooms::MembershipKind;
use pli_store::{Position, Snapshot};
use ruma::{OwnedRoomId, RoomId};

use super::{
    connection::Connection,
    order::{ListedRoom, OrderedRoom, RoomOrder},
    request::{ListFilters, RoomConfig, SlidingRequest},
    required_state::CombinedState,
    response::ListResult,
};
use crate::{Sync, SyncError};

/// What is wanted of the rooms that the same rules match.
#[derive(Debug)]
pub(crate) struct Combination {
    pub(crate) timeline_limit: u64,
    pub(crate) state: CombinedState,
    /// The index of `state` among the connection's.
    pub(crate) state_index: u16,
}

/// A room that a request is about.
#[derive(Clone, Debug)]
pub(crate) struct WantedRoom {
    pub(crate) room: Arc<ListedRoom>,
    /// The rules that match it, in the order of [`Wanted::rules`].
    pub(crate) rules: Vec<usize>,
    /// What they want together; index into [`Wanted::combinations`].
    pub(crate) combination: usize,
}

/// What a request is about.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The names of the lists, then nothing for each subscription.
    rules: Vec<Option<String>>,
    pub(crate) combinations: Vec<Combination>,
    pub(crate) rooms: Vec<WantedRoom>,
    pub(crate) lists: BTreeMap<String, ListResult>,
    /// The rooms in which something was appended since the request's `pos`, wanted or not.
    pub(crate) active: Vec<Arc<ListedRoom>>,
    /// The rooms, in the windows or not, in which something may stick.
    pub(crate) sticky: Vec<Arc<ListedRoom>>,
    pub(crate) direct: Arc<HashSet<OwnedRoomId>>,
}

impl Wanted {
    /// The lists that a room is told because of.
    pub(crate) fn lists_of<'w>(&'w self, wanted: &'w WantedRoom) -> Vec<&'w str> {
        wanted.rules.iter().filter_map(|rule| self.rules[*rule].as_deref()).collect()
    }

    /// Whether a room is told because it is subscribed to.
    pub(crate) fn is_subscribed(&self, wanted: &WantedRoom) -> bool {
        wanted.rules.iter().any(|rule| self.rules[*rule].is_none())
    }

    pub(crate) fn combination(&self, wanted: &WantedRoom) -> &Combination {
        &self.combinations[wanted.combination]
    }
}

/// What a list's filter needs to know besides the room.
#[derive(Default)]
struct FilterFacts {
    tags: Option<Arc<HashMap<OwnedRoomId, Vec<String>>>>,
    /// The children of the spaces that the filter names.
    children: Option<HashSet<OwnedRoomId>>,
    /// The part of a name to look for, in lower case.
    name: Option<String>,
}

impl Sync {
    /// What a request is about. `since` is where its `pos` stands; `None` if it has none.
    pub(crate) async fn wanted(
        &self,
        request: &SlidingRequest,
        connection: &mut Connection,
        order: &mut RoomOrder,
        snapshot: &Snapshot,
        since: Option<(Position, u64)>,
    ) -> Result<Wanted, SyncError> {
        let mut lists = BTreeMap::new();
        let mut configs: Vec<RoomConfig> = Vec::new();
        let mut rules: Vec<Option<String>> = Vec::new();
        let mut matched: HashMap<&RoomId, (Arc<ListedRoom>, Vec<usize>)> = HashMap::new();
        let body = &request.body;
        let mut windows_of_lists = Vec::new();
        for (name, list) in &body.lists {
            let facts = match &list.filters {
                Some(filters) => self.filter_facts(filters, order, snapshot, request).await?,
                None => FilterFacts::default(),
            };
            rules.push(Some(name.clone()));
            configs.push(list.config());
            windows_of_lists.push((name, list, facts));
        }
        let order = &*order;
        let mut sticky: BTreeMap<&RoomId, Arc<ListedRoom>> = BTreeMap::new();
        for (rule, (name, list, facts)) in windows_of_lists.into_iter().enumerate() {
            let windows: Vec<_> = list.windows().collect();
            let is_in_window = |index: usize| {
                windows.iter().any(|(first, last)| (*first..=*last).contains(&index))
            };
            let mut count = 0;
            for ordered in order.rooms().iter().filter(|ordered| ordered.is_listed) {
                let is_let_through = list
                    .filters
                    .as_ref()
                    .is_none_or(|filters| matches(filters, ordered, &facts, &order.direct));
                if !is_let_through {
                    continue;
                }
                let room = &ordered.room;
                if ordered.is_sticky {
                    sticky.insert(&room.room_id, Arc::clone(room));
                }
                if is_in_window(count) {
                    let entry = || (Arc::clone(room), Vec::new());
                    matched.entry(&room.room_id).or_insert_with(entry).1.push(rule);
                }
                count += 1;
            }
            lists.insert(name.clone(), ListResult { count });
        }
        for (room_id, config) in &body.room_subscriptions {
            let Some(room) = order.get(room_id) else { continue };
            if room.is_listed || is_known(connection, room_id, since) {
                let entry = || (Arc::clone(room), Vec::new());
                matched.entry(&room.room_id).or_insert_with(entry).1.push(rules.len());
                rules.push(None);
                configs.push(config.clone());
                if room.facts.sticky_until_ms > 0 {
                    sticky.insert(&room.room_id, Arc::clone(room));
                }
            }
        }

        // Whoever knows a room is told that they left it, wherever it would stand.
        let active: Vec<Arc<ListedRoom>> = match since {
            Some((position, _)) => order.active_since(position).cloned().collect(),
            None => Vec::new(),
        };
        let of_lists: Vec<usize> = (0..body.lists.len()).collect();
        for room in active.iter().filter(|room| !room.is_listed) {
            if !of_lists.is_empty() && is_known(connection, &room.room_id, since) {
                let entry = || (Arc::clone(room), of_lists.clone());
                if let Some(room) = order.get(&room.room_id) {
                    matched.entry(&room.room_id).or_insert_with(entry);
                }
            }
        }

        let mut combinations = Vec::new();
        let mut known: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut rooms = Vec::with_capacity(matched.len());
        for (room, of_room) in matched.into_values() {
            let combination = match known.get(&of_room) {
                Some(index) => *index,
                None => {
                    let of_these = || of_room.iter().filter_map(|rule| configs.get(*rule));
                    let state = CombinedState::of(
                        of_these().map(|config| &config.required_state),
                        request.user_id.as_str(),
                    );
                    let limit = of_these().map(|config| config.timeline_limit).max();
                    combinations.push(Combination {
                        timeline_limit: limit.unwrap_or_default(),
                        state_index: connection.state_index(&state),
                        state,
                    });
                    known.insert(of_room.clone(), combinations.len() - 1);
                    combinations.len() - 1
                }
            };
            rooms.push(WantedRoom { room, rules: of_room, combination });
        }
        let direct = Arc::clone(&order.direct);
        let sticky = sticky.into_values().collect();
        Ok(Wanted { rules, combinations, rooms, lists, active, sticky, direct })
    }

    async fn filter_facts(
        &self,
        filters: &ListFilters,
        order: &mut RoomOrder,
        snapshot: &Snapshot,
        request: &SlidingRequest,
    ) -> Result<FilterFacts, SyncError> {
        let mut facts = FilterFacts {
            name: filters.room_name_like.as_ref().map(|name| name.to_lowercase()),
            ..FilterFacts::default()
        };
        if filters.tags.is_some() || filters.not_tags.is_some() {
            facts.tags = Some(self.tags(order, snapshot, &request.user_id).await?);
        }
        if let Some(spaces) = &filters.spaces {
            let mut children = HashSet::new();
            for space in spaces {
                let is_joined =
                    order.get(space).is_some_and(|space| space.membership == MembershipKind::Join);
                if is_joined {
                    children.extend(self.children_of(snapshot, space).await?);
                }
            }
            facts.children = Some(children);
        }
        Ok(facts)
    }

    async fn children_of(
        &self,
        snapshot: &Snapshot,
        space: &RoomId,
    ) -> Result<Vec<OwnedRoomId>, SyncError> {
        #[derive(serde::Deserialize)]
        struct Content {
            #[serde(default)]
            via: Vec<serde::de::IgnoredAny>,
        }
        let rooms = &self.inner.rooms;
        let Some((head, _)) = rooms.head(snapshot, space).await? else { return Ok(Vec::new()) };
        let entries = rooms.states().entries_of_type(snapshot, head.state, "m.space.child").await?;
        let event_ids: Vec<_> = entries.iter().map(|entry| entry.event_id.clone()).collect();
        let events = rooms.events(snapshot, &event_ids).await?;
        // A child without `via` was taken out.
        let is_child = |event: &pli_rooms::RoomEvent| {
            event.pdu.content_as::<Content>().is_ok_and(|content| !content.via.is_empty())
        };
        let children = entries.into_iter().zip(events).filter_map(|(entry, event)| {
            let child = OwnedRoomId::try_from(&*entry.state_key).ok()?;
            event.filter(|event| is_child(event)).map(|_| child)
        });
        Ok(children.collect())
    }
}

fn is_known(connection: &Connection, room_id: &RoomId, since: Option<(Position, u64)>) -> bool {
    since.is_some_and(|(_, epoch)| connection.sent(room_id, epoch).is_some())
}

fn matches(
    filters: &ListFilters,
    ordered: &OrderedRoom,
    facts: &FilterFacts,
    direct: &HashSet<OwnedRoomId>,
) -> bool {
    let ListFilters {
        is_dm,
        spaces: _,
        is_encrypted,
        is_invite,
        room_types,
        not_room_types,
        room_name_like: _,
        tags,
        not_tags,
    } = filters;
    let room = &ordered.room;
    let is_of = |types: &Vec<Option<String>>| {
        types.iter().any(|named| named.as_deref() == ordered.room_type())
    };
    let has_tag = |named: &Vec<String>| {
        let tags_of_room = facts.tags.as_ref().and_then(|tags| tags.get(&room.room_id));
        tags_of_room.is_some_and(|tags| tags.iter().any(|tag| named.contains(tag)))
    };
    is_dm.is_none_or(|is_dm| direct.contains(&room.room_id) == is_dm)
        && is_encrypted.is_none_or(|is_encrypted| ordered.is_encrypted == is_encrypted)
        && is_invite.is_none_or(|is_invite| ordered.is_invite == is_invite)
        && room_types.as_ref().is_none_or(is_of)
        && !not_room_types.as_ref().is_some_and(is_of)
        && tags.as_ref().is_none_or(has_tag)
        && !not_tags.as_ref().is_some_and(has_tag)
        && facts.children.as_ref().is_none_or(|children| children.contains(&room.room_id))
        && facts.name.as_ref().is_none_or(|part| {
            room.facts.name.as_ref().is_some_and(|name| name.to_lowercase().contains(part))
        })
}
