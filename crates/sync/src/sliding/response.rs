use std::collections::BTreeMap;

use pli_rooms::MembershipKind;
use ruma::{
    OwnedMxcUri, OwnedRoomId, OwnedUserId,
    api::client::sync::sync_events::v5::response::Extensions,
    events::{AnyStrippedStateEvent, AnySyncStateEvent, AnySyncTimelineEvent},
    serde::Raw,
};
use serde::{Serialize, Serializer};

/// The answer to a sliding sync request.
#[derive(Debug, Default, Serialize)]
pub struct SlidingResponse {
    /// The request's `txn_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub txn_id: Option<String>,
    /// Where the next request goes on.
    pub pos: String,
    /// Of each list, how many rooms it has.
    pub lists: BTreeMap<String, ListResult>,
    /// The rooms of which there is something to tell.
    pub rooms: BTreeMap<OwnedRoomId, RoomResult>,
    /// What the extensions have to tell.
    pub extensions: ExtensionsResult,
}

/// What the extensions have to tell.
#[derive(Debug, Default, Serialize)]
pub struct ExtensionsResult {
    /// Those that ruma knows.
    #[serde(flatten)]
    pub known: Extensions,
    /// What sticks (MSC4480).
    #[serde(rename = "org.matrix.msc4354.sticky_events", skip_serializing_if = "Option::is_none")]
    pub sticky_events: Option<StickyEventsResult>,
}

/// What sticks in rooms.
#[derive(Debug, Default, Serialize)]
pub struct StickyEventsResult {
    /// Where the extension goes on.
    pub next_batch: String,
    /// The events of each room, the oldest first.
    pub rooms: BTreeMap<OwnedRoomId, StickyEventsOfRoom>,
}

/// What sticks in one room.
#[derive(Debug, Serialize)]
pub struct StickyEventsOfRoom {
    /// The events, the oldest first.
    pub events: Vec<Raw<AnySyncTimelineEvent>>,
}

/// What is told of a list.
#[derive(Debug, Serialize)]
pub struct ListResult {
    /// How many rooms the filter lets through, whatever the windows are.
    pub count: usize,
}

/// What is told of a room. What is missing has not changed; in an `initial` answer, it isn't there.
///
/// Where the merged MSC4186 renamed a field, both names are sent.
#[derive(Debug, Default, Serialize)]
pub struct RoomResult {
    /// The user's membership.
    #[serde(serialize_with = "membership_name", skip_serializing_if = "Option::is_none")]
    pub membership: Option<MembershipKind>,
    /// The lists that the room is in a window of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// Sorts rooms by their last message: greater is later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bump_stamp: Option<u64>,
    /// The room's name; `null` if it was taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    /// The room's picture; `null` if it was taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Option<OwnedMxcUri>>,
    /// Whose names stand for the name of a room that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heroes: Option<Vec<Hero>>,
    /// Whether it is a direct conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_dm: Option<bool>,
    /// This replaces all that the client knows of the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial: Option<bool>,
    /// The timeline goes further back than the last answer, because more was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expanded_timeline: Option<bool>,
    /// The same by its former name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unstable_expanded_timeline: Option<bool>,
    /// The room's state at the end of the timeline, as far as it was asked for and has changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required_state: Vec<Raw<AnySyncStateEvent>>,
    /// The newest events, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Raw<AnySyncTimelineEvent>>,
    /// Where paging back goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_batch: Option<String>,
    /// There are more events before these that the client wasn't told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub limited: bool,
    /// How many of the last events happened since the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_live: Option<usize>,
    /// How many people are in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined_count: Option<u64>,
    /// How many people are invited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_count: Option<u64>,
    /// How many unread events notify.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_count: Option<u64>,
    /// How many of those highlight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highlight_count: Option<u64>,
    /// For invitations and knocks: what room it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_state: Option<Vec<Raw<AnyStrippedStateEvent>>>,
    /// The same by its new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stripped_state: Option<Vec<Raw<AnyStrippedStateEvent>>>,
}

/// Somebody whose name stands for that of a room.
#[derive(Debug, Serialize)]
pub struct Hero {
    /// Who it is.
    pub user_id: OwnedUserId,
    /// Their name in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub displayname: Option<String>,
    /// Their picture in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<OwnedMxcUri>,
}

fn membership_name<S: Serializer>(
    membership: &Option<MembershipKind>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    membership.map(MembershipKind::to_state).serialize(serializer)
}
