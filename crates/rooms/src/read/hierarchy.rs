use std::collections::HashSet;

use pli_store::Snapshot;
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedRoomId, OwnedSpaceChildOrder, OwnedUserId, RoomId,
    SpaceChildOrder, UserId,
    events::{StateEventType, room::history_visibility::HistoryVisibility},
    room::JoinRuleKind,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Rooms,
    error::RoomError,
    rows::{MembershipKind, RoomSummary},
    state::StateRoot,
};

/// The type of a space, in its create event.
const SPACE: &str = "m.space";
/// The type of a space's links to its rooms.
const CHILD: &str = "m.space.child";
/// How many rooms one walk through a space looks at.
const MOST_WALKED: usize = 5000;

/// What somebody who may come into a room is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomPreview {
    /// The room.
    pub room_id: OwnedRoomId,
    /// What lists show of it.
    pub summary: RoomSummary,
    /// For restricted rooms: the rooms whose members may join.
    pub allowed_rooms: Vec<OwnedRoomId>,
    /// What the reader is to the room; `None`: nothing yet.
    pub membership: Option<MembershipKind>,
}

/// A space's link to a room.
#[derive(Clone, Debug)]
pub struct SpaceChild {
    /// The room that it leads to.
    pub room_id: OwnedRoomId,
    /// Who made it.
    pub sender: OwnedUserId,
    /// When.
    pub origin_server_ts: MilliSecondsSinceUnixEpoch,
    /// Its content.
    pub content: Box<RawValue>,
    order: Option<OwnedSpaceChildOrder>,
    suggested: bool,
}

/// A room of a space.
#[derive(Clone, Debug)]
pub struct HierarchyRoom {
    /// What is shown of it.
    pub preview: RoomPreview,
    /// If it is a space itself: its links, in their order.
    pub children: Vec<SpaceChild>,
}

/// Which rooms of a space to list.
#[derive(Clone, Copy, Debug)]
pub struct HierarchyRequest {
    /// Only those that the space's makers suggest.
    pub suggested_only: bool,
    /// How many links lie between the space and a room at most; `None`: any number.
    pub max_depth: Option<u64>,
    /// How many rooms were listed before.
    pub skip: usize,
    /// At most so many rooms.
    pub limit: usize,
}

/// Rooms of a space.
#[derive(Clone, Debug)]
pub struct HierarchyPage {
    /// The rooms: the space first, each space's rooms behind it.
    pub rooms: Vec<HierarchyRoom>,
    /// Whether there are more.
    pub has_more: bool,
}

#[derive(Deserialize)]
struct ChildContent {
    via: Vec<String>,
    #[serde(default)]
    order: Option<serde_json::Value>,
    #[serde(default)]
    suggested: bool,
}

#[derive(Deserialize)]
struct JoinRules {
    #[serde(default)]
    allow: Vec<serde_json::Value>,
}

impl Rooms {
    /// What somebody is shown of a room before they are in it; `None` if there is no such room, or
    /// it is no business of theirs. Without a reader: what everybody is shown.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn preview(
        &self,
        snapshot: &Snapshot,
        reader: Option<&UserId>,
        room_id: &RoomId,
    ) -> Result<Option<RoomPreview>, RoomError> {
        let Some((summary, _)) = self.summary(snapshot, room_id).await? else { return Ok(None) };
        let user_room = match reader {
            Some(reader) => self.user_room(snapshot, reader, room_id).await?,
            None => None,
        };
        let membership = user_room.map(|user_room| user_room.membership);
        let allowed_rooms = match summary.join_rule {
            JoinRuleKind::Restricted | JoinRuleKind::KnockRestricted => {
                self.allowed_rooms(snapshot, room_id).await?
            }
            _ => Vec::new(),
        };
        let is_shown = match (&summary.join_rule, membership) {
            // Who is in a room or invited knows of it.
            (_, Some(MembershipKind::Join | MembershipKind::Invite)) => true,
            // Everybody may come in, or ask to.
            (JoinRuleKind::Public | JoinRuleKind::Knock | JoinRuleKind::KnockRestricted, _) => true,
            // Everybody may read what is said in it.
            _ if summary.history_visibility == HistoryVisibility::WorldReadable => true,
            // The members of certain rooms may come in.
            (JoinRuleKind::Restricted, _) => {
                self.is_in_one_of(snapshot, reader, &allowed_rooms).await?
            }
            _ => false,
        };
        let room_id = room_id.to_owned();
        Ok(is_shown.then_some(RoomPreview { room_id, summary, allowed_rooms, membership }))
    }

    /// The rooms of a space, walked from its links in their order, the rooms of a space within it
    /// right after that ([specification](https://spec.matrix.org/v1.19/client-server-api/#querying-rooms-in-a-space)).
    ///
    /// # Errors
    /// [`RoomError::Forbidden`] if the space is no business of the reader's; when the store fails.
    pub async fn hierarchy(
        &self,
        snapshot: &Snapshot,
        reader: &UserId,
        space: &RoomId,
        request: HierarchyRequest,
    ) -> Result<HierarchyPage, RoomError> {
        let mut seen = HashSet::from([space.to_owned()]);
        let mut to_visit = vec![(space.to_owned(), 0_u64)];
        let mut listed = 0;
        let mut rooms: Vec<HierarchyRoom> = Vec::new();
        for _ in 0..MOST_WALKED {
            let Some((room_id, depth)) = to_visit.pop() else { break };
            let Some(preview) = self.preview(snapshot, Some(reader), &room_id).await? else {
                if depth == 0 {
                    return Err(RoomError::Forbidden(
                        "you can't see this space: ask for an invitation".to_owned(),
                    ));
                }
                continue;
            };
            let children = match preview.summary.room_type.as_deref() {
                Some(SPACE) => self.space_children(snapshot, &room_id, request).await?,
                _ => Vec::new(),
            };
            if request.max_depth.is_none_or(|max_depth| depth < max_depth) {
                // The last of them lies lowest on the stack.
                for child in children.iter().rev() {
                    if seen.insert(child.room_id.clone()) {
                        to_visit.push((child.room_id.clone(), depth + 1));
                    }
                }
            }
            listed += 1;
            if listed <= request.skip {
                continue;
            }
            if rooms.len() == request.limit {
                return Ok(HierarchyPage { rooms, has_more: true });
            }
            rooms.push(HierarchyRoom { preview, children });
        }
        Ok(HierarchyPage { rooms, has_more: false })
    }

    /// A space's links, in their order.
    async fn space_children(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
        request: HierarchyRequest,
    ) -> Result<Vec<SpaceChild>, RoomError> {
        let root = self.current_state_root(snapshot, room_id).await?;
        let entries = self.states().entries_of_type(snapshot, root, CHILD).await?;
        let event_ids: Vec<_> = entries.into_iter().map(|entry| entry.event_id).collect();
        let mut children = Vec::with_capacity(event_ids.len());
        for event in self.events(snapshot, &event_ids).await?.into_iter().flatten() {
            // A link without servers to join through is none: so links are taken away.
            let Ok(content) = event.pdu.content_as::<ChildContent>() else { continue };
            let room_id = event.pdu.state_key().and_then(|key| OwnedRoomId::try_from(key).ok());
            let Some(room_id) = room_id.filter(|_| !content.via.is_empty()) else { continue };
            let order = content.order.as_ref().and_then(serde_json::Value::as_str);
            children.push(SpaceChild {
                room_id,
                sender: event.pdu.sender().to_owned(),
                origin_server_ts: event.pdu.origin_server_ts(),
                content: event.pdu.content().to_owned(),
                // An order that isn't valid counts as none.
                order: order.and_then(|order| SpaceChildOrder::parse(order).ok()),
                suggested: content.suggested,
            });
        }
        children.retain(|child| child.suggested || !request.suggested_only);
        children.sort_by(|left, right| {
            // Those with an order come first, by it; then the older links.
            let by_order = left.order.is_none().cmp(&right.order.is_none());
            by_order
                .then_with(|| left.order.cmp(&right.order))
                .then_with(|| left.origin_server_ts.cmp(&right.origin_server_ts))
                .then_with(|| left.room_id.cmp(&right.room_id))
        });
        Ok(children)
    }

    /// The rooms whose members may join a restricted room.
    async fn allowed_rooms(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
    ) -> Result<Vec<OwnedRoomId>, RoomError> {
        let root: StateRoot = self.current_state_root(snapshot, room_id).await?;
        let event = self.state_event(snapshot, root, &StateEventType::RoomJoinRules, "").await?;
        let rules = event.and_then(|event| event.pdu.content_as::<JoinRules>().ok());
        let allow = rules.map(|rules| rules.allow).unwrap_or_default();
        let named = allow.iter().filter(|allow| allow["type"] == "m.room_membership");
        Ok(named
            .filter_map(|allow| OwnedRoomId::try_from(allow["room_id"].as_str()?).ok())
            .collect())
    }

    async fn is_in_one_of(
        &self,
        snapshot: &Snapshot,
        reader: Option<&UserId>,
        room_ids: &[OwnedRoomId],
    ) -> Result<bool, RoomError> {
        let Some(reader) = reader else { return Ok(false) };
        for room_id in room_ids {
            if self.is_joined(snapshot, reader, room_id).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
