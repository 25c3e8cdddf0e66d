use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use ruma::{OwnedDeviceId, OwnedRoomId, OwnedUserId, presence::PresenceState};
use serde::{Deserialize, Deserializer};

use super::required_state::RequiredState;

/// The most lists that a request can have (MSC4186), and the most subscriptions.
const MAX_RULES: usize = 100;
/// How long the name of a connection can be, in bytes.
const MAX_CONN_ID: usize = 255;

/// A parsed sliding sync request.
#[derive(Clone, Debug)]
pub struct SlidingRequest {
    /// Who asks.
    pub user_id: OwnedUserId,
    /// On which device.
    pub device_id: OwnedDeviceId,
    /// The `pos` of the last answer; `None` begins a connection.
    pub pos: Option<String>,
    /// How long to wait for news.
    pub timeout: Duration,
    /// What is asked for.
    pub body: SlidingBody,
}

/// The body of a sliding sync request, in the form that clients send today and in that of the merged
/// MSC4186.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SlidingBody {
    /// Which of the device's connections this is.
    #[serde(default)]
    pub conn_id: Option<String>,
    /// Comes back in the answer.
    #[serde(default)]
    pub txn_id: Option<String>,
    /// The `pos` of the last answer, unless it is in the query.
    #[serde(default)]
    pub pos: Option<String>,
    /// How long to wait in milliseconds, unless it is in the query.
    #[serde(default)]
    pub timeout: Option<u64>,
    /// How the user wants to be seen meanwhile, unless it is in the query.
    #[serde(default)]
    pub set_presence: Option<PresenceState>,
    /// Windows onto the user's rooms.
    #[serde(default)]
    pub lists: BTreeMap<String, ListRequest>,
    /// Rooms to be told of wherever they are.
    #[serde(default)]
    pub room_subscriptions: BTreeMap<OwnedRoomId, RoomConfig>,
    /// What else to tell.
    #[serde(default)]
    pub extensions: Extensions,
}

impl SlidingBody {
    /// What is asked for, as a number: not where the client stands.
    pub(crate) fn fingerprint(&self) -> u64 {
        let Extensions {
            to_device,
            e2ee,
            account_data,
            receipts,
            typing,
            thread_subscriptions,
            sticky_events,
            profiles,
        } = &self.extensions;
        let mut hasher = DefaultHasher::new();
        (&self.lists, &self.room_subscriptions).hash(&mut hasher);
        (to_device.enabled, to_device.limit, e2ee, account_data, receipts, typing)
            .hash(&mut hasher);
        thread_subscriptions.hash(&mut hasher);
        (sticky_events.enabled, sticky_events.limit, profiles).hash(&mut hasher);
        hasher.finish()
    }

    /// Refuses what is too much.
    ///
    /// # Errors
    /// What is wrong, for whoever wrote the client.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.lists.len() > MAX_RULES {
            return Err(format!("lists: there can be {MAX_RULES} at most"));
        }
        if self.room_subscriptions.len() > MAX_RULES {
            return Err(format!("room_subscriptions: there can be {MAX_RULES} at most"));
        }
        if self.conn_id.as_ref().is_some_and(|conn_id| conn_id.len() > MAX_CONN_ID) {
            return Err(format!("conn_id: can have at most {MAX_CONN_ID} bytes"));
        }
        let of_lists = self.lists.values().map(|list| &list.required_state);
        let subscribed = self.room_subscriptions.values().map(|config| &config.required_state);
        of_lists.chain(subscribed).try_for_each(RequiredState::check)?;
        for (name, list) in &self.lists {
            if list.windows().any(|(first, last)| first > last) {
                return Err(format!(
                    "lists.{name}: a range goes from the lower index to the higher"
                ));
            }
        }
        Ok(())
    }
}

/// What to tell of a room.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct RoomConfig {
    /// How many events of the timeline at most.
    pub timeline_limit: u64,
    /// Which state.
    #[serde(default)]
    pub required_state: RequiredState,
}

/// A list: the user's rooms that a filter lets through, by their last activity.
#[derive(Clone, Debug, Hash, Deserialize)]
pub struct ListRequest {
    /// How many events of the timeline at most.
    pub timeline_limit: u64,
    /// Which state.
    #[serde(default)]
    pub required_state: RequiredState,
    /// The first and the last index of each window.
    #[serde(default)]
    pub ranges: Option<Vec<(u64, u64)>>,
    /// The one window of the merged form; with neither, the window is the whole list.
    #[serde(default)]
    pub range: Option<(u64, u64)>,
    /// Which rooms.
    #[serde(default)]
    pub filters: Option<ListFilters>,
}

impl ListRequest {
    /// The list's windows, first and last index.
    pub(crate) fn windows(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let whole = self.ranges.is_none() && self.range.is_none();
        let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let windows = self.ranges.iter().flatten().chain(&self.range).copied();
        windows
            .map(move |(first, last)| (index(first), index(last)))
            .chain(whole.then_some((0, usize::MAX)))
    }

    /// What to tell of the rooms in the windows.
    pub(crate) fn config(&self) -> RoomConfig {
        RoomConfig {
            timeline_limit: self.timeline_limit,
            required_state: self.required_state.clone(),
        }
    }
}

/// Which rooms a list has. All conditions hold for each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub struct ListFilters {
    /// In `m.direct`, or not.
    #[serde(default)]
    pub is_dm: Option<bool>,
    /// Named as children by one of these spaces, which the user is joined to.
    #[serde(default)]
    pub spaces: Option<Vec<OwnedRoomId>>,
    /// With `m.room.encryption`, or without.
    #[serde(default)]
    pub is_encrypted: Option<bool>,
    /// The user is invited to it, or not.
    #[serde(default, alias = "is_invited")]
    pub is_invite: Option<bool>,
    /// Of one of these types; `null` is the type of rooms that have none.
    #[serde(default)]
    pub room_types: Option<Vec<Option<String>>>,
    /// Of none of these types.
    #[serde(default)]
    pub not_room_types: Option<Vec<Option<String>>>,
    /// Whose name contains this, upper or lower case.
    #[serde(default)]
    pub room_name_like: Option<String>,
    /// With one of these tags.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// With none of these tags.
    #[serde(default)]
    pub not_tags: Option<Vec<String>>,
}

/// What to tell besides rooms.
#[derive(Clone, Debug, Default, Hash, Deserialize)]
pub struct Extensions {
    /// Messages from device to device.
    #[serde(default)]
    pub to_device: StreamExtension,
    /// Changed devices, and how many keys are left.
    #[serde(default)]
    pub e2ee: Switch,
    /// Account data.
    #[serde(default)]
    pub account_data: RoomsExtension,
    /// Read receipts.
    #[serde(default)]
    pub receipts: RoomsExtension,
    /// Who is typing.
    #[serde(default)]
    pub typing: RoomsExtension,
    /// Which threads the user follows (MSC4308).
    #[serde(
        default,
        rename = "io.element.msc4308.thread_subscriptions",
        alias = "thread_subscriptions"
    )]
    pub thread_subscriptions: LimitedExtension,
    /// People's profiles (MSC4262).
    #[serde(default, rename = "org.matrix.msc4262.profiles", alias = "profiles")]
    pub profiles: ProfilesExtension,
    /// What sticks (MSC4480).
    #[serde(default, rename = "org.matrix.msc4354.sticky_events", alias = "sticky_events")]
    pub sticky_events: StreamExtension,
}

/// The extension for profiles.
#[derive(Clone, Debug, Default, Hash, Deserialize)]
pub struct ProfilesExtension {
    /// Whether it is on, and for which rooms.
    #[serde(flatten)]
    pub scope: RoomsExtension,
    /// Which fields; `None`: all.
    #[serde(default)]
    pub fields: Option<Vec<String>>,
}

/// An extension that is on or off.
#[derive(Clone, Debug, Default, Hash, Deserialize)]
pub struct Switch {
    /// Whether it is on.
    #[serde(default, deserialize_with = "null_is_off")]
    pub enabled: bool,
}

/// An extension of which the client says how far it is: everything is told at least once.
#[derive(Clone, Debug, Default, Hash, Deserialize)]
pub struct StreamExtension {
    /// Whether it is on.
    #[serde(default, deserialize_with = "null_is_off")]
    pub enabled: bool,
    /// How much at most.
    #[serde(default)]
    pub limit: Option<u64>,
    /// The `next_batch` of the last answer that the client has dealt with.
    #[serde(default)]
    pub since: Option<String>,
}

/// An extension whose answers have a limit.
#[derive(Clone, Debug, Default, Hash, Deserialize)]
pub struct LimitedExtension {
    /// Whether it is on.
    #[serde(default, deserialize_with = "null_is_off")]
    pub enabled: bool,
    /// How many changes at most.
    #[serde(default)]
    pub limit: Option<u64>,
}

/// An extension that is about rooms.
#[derive(Clone, Debug, Default, Hash, Deserialize)]
pub struct RoomsExtension {
    /// Whether it is on.
    #[serde(default, deserialize_with = "null_is_off")]
    pub enabled: bool,
    /// For the rooms of these lists (`*`: of all lists); `None`: of all lists.
    #[serde(default)]
    pub lists: Option<Vec<String>>,
    /// For these rooms (`*`: for all that are subscribed to); `None`: for all that are subscribed to.
    #[serde(default)]
    pub rooms: Option<Vec<String>>,
}

impl RoomsExtension {
    /// Whether it is on for a room that is told because of these lists, or of a subscription.
    pub(crate) fn covers(&self, room_id: &str, lists: &[&str], is_subscribed: bool) -> bool {
        let by_list = match &self.lists {
            None => !lists.is_empty(),
            Some(named) => {
                lists.iter().any(|list| named.iter().any(|named| named == "*" || named == list))
            }
        };
        by_list
            || match &self.rooms {
                None => is_subscribed,
                Some(named) => {
                    named.iter().any(|named| (named == "*" && is_subscribed) || named == room_id)
                }
            }
    }
}

fn null_is_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}
