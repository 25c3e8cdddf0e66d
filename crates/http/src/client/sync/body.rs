//! A sync answer as JSON.
//!
//! Ruma leaves out what has its default value. Clients take some of that for missing: whether a
//! timeline is limited, and the lists of what a room is told with.

use std::collections::BTreeMap;

use ruma::{
    OneTimeKeyAlgorithm, OwnedEventId, RoomId, UInt,
    api::client::sync::sync_events::{
        DeviceLists, UnreadNotificationsCount,
        v3::{
            Ephemeral, GlobalAccountData, InvitedRoom, JoinedRoom, KnockedRoom, LeftRoom, Presence,
            Response, RoomSummary, Rooms, State, Sticky, Timeline, ToDevice,
        },
    },
    events::{AnyRoomAccountDataEvent, AnySyncTimelineEvent},
    serde::Raw,
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// What an answer looks like besides what it says.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// The name under which state at the end of timelines is told.
    pub(super) state_after: &'static str,
    /// Whether it is the client's first: empty lists say then that there is nothing.
    pub(super) is_first: bool,
}

impl Shape {
    fn account_data<'a>(
        self,
        events: &'a [Raw<AnyRoomAccountDataEvent>],
    ) -> Option<Events<'a, AnyRoomAccountDataEvent>> {
        (self.is_first || !events.is_empty()).then_some(Events { events })
    }
}

#[derive(Serialize)]
pub(super) struct Body<'a> {
    next_batch: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<RoomsBody<'a>>,
    #[serde(skip_serializing_if = "Presence::is_empty")]
    presence: &'a Presence,
    #[serde(skip_serializing_if = "GlobalAccountData::is_empty")]
    account_data: &'a GlobalAccountData,
    #[serde(skip_serializing_if = "ToDevice::is_empty")]
    to_device: &'a ToDevice,
    #[serde(skip_serializing_if = "DeviceLists::is_empty")]
    device_lists: &'a DeviceLists,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    device_one_time_keys_count: &'a BTreeMap<OneTimeKeyAlgorithm, UInt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_unused_fallback_key_types: Option<&'a [OneTimeKeyAlgorithm]>,
}

#[derive(Serialize)]
struct RoomsBody<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    leave: BTreeMap<&'a RoomId, LeftBody<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    join: BTreeMap<&'a RoomId, JoinedBody<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    invite: BTreeMap<&'a RoomId, &'a InvitedRoom>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    knock: BTreeMap<&'a RoomId, &'a KnockedRoom>,
}

#[derive(Serialize)]
struct JoinedBody<'a> {
    #[serde(skip_serializing_if = "RoomSummary::is_empty")]
    summary: &'a RoomSummary,
    unread_notifications: &'a UnreadNotificationsCount,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unread_thread_notifications: &'a BTreeMap<OwnedEventId, UnreadNotificationsCount>,
    timeline: TimelineBody<'a>,
    #[serde(flatten)]
    state: StateBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_data: Option<Events<'a, AnyRoomAccountDataEvent>>,
    #[serde(skip_serializing_if = "Ephemeral::is_empty")]
    ephemeral: &'a Ephemeral,
    #[serde(rename = "msc4354_sticky", skip_serializing_if = "Sticky::is_empty")]
    sticky: &'a Sticky,
}

#[derive(Serialize)]
struct LeftBody<'a> {
    timeline: TimelineBody<'a>,
    #[serde(flatten)]
    state: StateBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_data: Option<Events<'a, AnyRoomAccountDataEvent>>,
}

/// A room's state, under the name that says of what moment it is.
struct StateBody<'a> {
    state: &'a State,
    after: &'static str,
}

impl Serialize for StateBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, events) = match self.state {
            State::Before(state) => ("state", &*state.events),
            State::After(state) => (self.after, &*state.events),
            _ => ("state", &[][..]),
        };
        let is_told = !events.is_empty() || !matches!(self.state, State::Before(_));
        let mut map = serializer.serialize_map(Some(usize::from(is_told)))?;
        if !events.is_empty() {
            map.serialize_entry(name, &Events { events })?;
        } else if is_told {
            // That it is there says which state this is.
            map.serialize_entry(name, &serde_json::Map::new())?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct TimelineBody<'a> {
    limited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_batch: Option<&'a str>,
    events: &'a [Raw<AnySyncTimelineEvent>],
}

#[derive(Serialize)]
#[serde(bound = "")]
struct Events<'a, T> {
    events: &'a [Raw<T>],
}

impl<'a> Body<'a> {
    /// An answer.
    pub(super) fn of(response: &'a Response, shape: Shape) -> Self {
        let Rooms { leave, join, invite, knock, .. } = &response.rooms;
        let has_rooms =
            !(leave.is_empty() && join.is_empty() && invite.is_empty() && knock.is_empty());
        let rooms = has_rooms.then(|| RoomsBody {
            leave: leave
                .iter()
                .map(|(room_id, left)| (&**room_id, LeftBody::of(left, shape)))
                .collect(),
            join: join
                .iter()
                .map(|(room_id, joined)| (&**room_id, JoinedBody::of(joined, shape)))
                .collect(),
            invite: invite.iter().map(|(room_id, invited)| (&**room_id, invited)).collect(),
            knock: knock.iter().map(|(room_id, knocked)| (&**room_id, knocked)).collect(),
        });
        Self {
            next_batch: &response.next_batch,
            rooms,
            presence: &response.presence,
            account_data: &response.account_data,
            to_device: &response.to_device,
            device_lists: &response.device_lists,
            device_one_time_keys_count: &response.device_one_time_keys_count,
            device_unused_fallback_key_types: response.device_unused_fallback_key_types.as_deref(),
        }
    }
}

impl<'a> JoinedBody<'a> {
    fn of(joined: &'a JoinedRoom, shape: Shape) -> Self {
        Self {
            summary: &joined.summary,
            unread_notifications: &joined.unread_notifications,
            unread_thread_notifications: &joined.unread_thread_notifications,
            timeline: (&joined.timeline).into(),
            state: StateBody { state: &joined.state, after: shape.state_after },
            account_data: shape.account_data(&joined.account_data.events),
            ephemeral: &joined.ephemeral,
            sticky: &joined.sticky,
        }
    }
}

impl<'a> LeftBody<'a> {
    fn of(left: &'a LeftRoom, shape: Shape) -> Self {
        Self {
            timeline: (&left.timeline).into(),
            state: StateBody { state: &left.state, after: shape.state_after },
            account_data: shape.account_data(&left.account_data.events),
        }
    }
}

impl<'a> From<&'a Timeline> for TimelineBody<'a> {
    fn from(timeline: &'a Timeline) -> Self {
        Self {
            limited: timeline.limited,
            prev_batch: timeline.prev_batch.as_deref(),
            events: &timeline.events,
        }
    }
}
