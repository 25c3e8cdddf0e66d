use ruma::{
    OwnedEventId, UserId,
    events::{StateEventType, TimelineEventType},
    room_version_rules::RoomVersionRules,
    state_res,
};
use serde_json::value::RawValue;

use crate::EventError;

/// Which state a new event must name in its `auth_events`, if the room has it
/// ([specification](https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection)).
///
/// # Errors
/// [`EventError::Content`] when the content of an `m.room.member` event is malformed.
pub fn auth_event_types(
    event_type: &TimelineEventType,
    sender: &UserId,
    state_key: Option<&str>,
    content: &RawValue,
    rules: &RoomVersionRules,
) -> Result<Vec<(StateEventType, String)>, EventError> {
    state_res::auth_types_for_event(event_type, sender, state_key, content, &rules.authorization)
        .map_err(EventError::Content)
}

/// The `auth_events` of a new event: the ids of [`auth_event_types`] that the room's current state
/// has, as `current_state` tells them.
///
/// # Errors
/// [`EventError::Content`] when the content of an `m.room.member` event is malformed.
pub fn select_auth_events(
    event_type: &TimelineEventType,
    sender: &UserId,
    state_key: Option<&str>,
    content: &RawValue,
    rules: &RoomVersionRules,
    mut current_state: impl FnMut(&StateEventType, &str) -> Option<OwnedEventId>,
) -> Result<Vec<OwnedEventId>, EventError> {
    let types = auth_event_types(event_type, sender, state_key, content, rules)?;
    Ok(types
        .iter()
        .filter_map(|(state_type, state_key)| current_state(state_type, state_key))
        .collect())
}
