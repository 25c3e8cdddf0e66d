use std::collections::HashSet;

use pli_events::{Pdu, room_version_rules};
use pli_store::Snapshot;
use ruma::{
    Int, OwnedUserId, RoomId, UserId,
    events::{StateEventType, TimelineEventType, room::power_levels::UserPowerLevel},
    room_version_rules::AuthorizationRules,
    state_res::events::{RoomCreateEvent, RoomPowerLevelsEvent, RoomPowerLevelsIntField},
};

use crate::{Rooms, error::RoomError};

/// The level of the creator of a room that has no `m.room.power_levels` event.
const CREATOR_LEVEL: i32 = 100;

/// Who may do what in a room, in one of its states.
#[derive(Debug)]
pub struct PowerLevels {
    rules: &'static AuthorizationRules,
    creators: HashSet<OwnedUserId>,
    event: Option<RoomPowerLevelsEvent<Pdu>>,
}

impl PowerLevels {
    pub(crate) fn new(
        rules: &'static AuthorizationRules,
        create: Pdu,
        power_levels: Option<Pdu>,
    ) -> Result<Self, RoomError> {
        let creators =
            RoomCreateEvent::new(create).creators(rules).map_err(RoomError::InvalidRoomState)?;
        Ok(Self { rules, creators, event: power_levels.map(RoomPowerLevelsEvent::new) })
    }

    /// A user's level; infinite for the creators of rooms since version 12.
    #[must_use]
    pub fn of_user(&self, user_id: &UserId) -> UserPowerLevel {
        if self.rules.explicitly_privilege_room_creators && self.creators.contains(user_id) {
            return UserPowerLevel::Infinite;
        }
        let Some(event) = &self.event else {
            let level = if self.creators.contains(user_id) { CREATOR_LEVEL } else { 0 };
            return Int::from(level).into();
        };
        // Levels that can't be read give nobody power.
        event.user_power_level(user_id, self.rules).unwrap_or_default().into()
    }

    /// Those whose power nobody can limit; nobody before version 12.
    pub(crate) fn privileged_creators(&self) -> impl Iterator<Item = &OwnedUserId> {
        self.creators.iter().filter(|_| self.rules.explicitly_privilege_room_creators)
    }

    /// The level that an action needs.
    #[must_use]
    pub fn needed_for(&self, action: RoomPowerLevelsIntField) -> Int {
        let event = self.event.as_ref();
        event
            .and_then(|event| event.get_as_int_or_default(action, self.rules).ok())
            .unwrap_or_else(|| action.default_value())
    }

    /// The level that sending an event of a type needs.
    #[must_use]
    pub fn needed_to_send(&self, event_type: &TimelineEventType, state_key: Option<&str>) -> Int {
        let default = match state_key {
            Some(_) => RoomPowerLevelsIntField::StateDefault.default_value(),
            None => RoomPowerLevelsIntField::EventsDefault.default_value(),
        };
        let event = self.event.as_ref();
        event
            .and_then(|event| event.event_power_level(event_type, state_key, self.rules).ok())
            .unwrap_or(default)
    }

    /// Whether a user's level allows an action.
    #[must_use]
    pub fn allows(&self, user_id: &UserId, action: RoomPowerLevelsIntField) -> bool {
        self.of_user(user_id) >= self.needed_for(action)
    }

    /// Whether a user's level allows them to send events of a type.
    #[must_use]
    pub fn allows_to_send(
        &self,
        user_id: &UserId,
        event_type: &TimelineEventType,
        state_key: Option<&str>,
    ) -> bool {
        self.of_user(user_id) >= self.needed_to_send(event_type, state_key)
    }
}

impl Rooms {
    /// Who may do what in a room now.
    ///
    /// # Errors
    /// [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn power_levels(
        &self,
        snapshot: &Snapshot,
        room_id: &RoomId,
    ) -> Result<PowerLevels, RoomError> {
        let unknown = || RoomError::UnknownRoom(room_id.to_owned());
        let (head, _) = self.head(snapshot, room_id).await?.ok_or_else(unknown)?;
        let rules = &room_version_rules(&head.room_version)?.authorization;
        let missing = || RoomError::MissingEvent(head.create_event_id.clone());
        let create = self.event(snapshot, &head.create_event_id).await?.ok_or_else(missing)?;
        let levels =
            self.state_event(snapshot, head.state, &StateEventType::RoomPowerLevels, "").await?;
        PowerLevels::new(rules, create.pdu.clone(), levels.map(|event| event.pdu.clone()))
    }
}
