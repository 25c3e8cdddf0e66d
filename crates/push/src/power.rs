use pli_events::room_version_rules;
use pli_rooms::{RoomError, RoomEvent, Rooms};
use pli_store::Snapshot;
use ruma::{
    OwnedUserId, RoomId,
    events::{
        StateEventType,
        room::power_levels::{RoomPowerLevels, RoomPowerLevelsEventContent, RoomPowerLevelsSource},
    },
    push::{PushCondition, PushConditionPowerLevelsCtx, Ruleset},
};
use serde::Deserialize;

/// What the default rule about room mentions looks for in a text, in any case.
const ROOM: &[u8] = b"@room";
/// And in `m.mentions`: stored events are canonical JSON.
const ROOM_MENTION: &[u8] = b"\"room\":true";

/// Who may notify a whole room, as push conditions ask it. `None` if the room is unknown or its
/// power levels can't be understood: then nobody may.
pub(crate) async fn power_levels(
    rooms: &Rooms,
    snapshot: &Snapshot,
    room_id: &RoomId,
) -> Result<Option<PushConditionPowerLevelsCtx>, RoomError> {
    let Some((head, _)) = rooms.head(snapshot, room_id).await? else { return Ok(None) };
    let Ok(rules) = room_version_rules(&head.room_version) else { return Ok(None) };
    let rules = &rules.authorization;

    let found =
        rooms.state_event(snapshot, head.state, &StateEventType::RoomPowerLevels, "").await?;
    let source = match found {
        None => RoomPowerLevelsSource::None,
        Some(event) => match event.pdu.content_as::<RoomPowerLevelsEventContent>() {
            Ok(content) => RoomPowerLevelsSource::Original(content),
            Err(_) => return Ok(None),
        },
    };
    let mut creators: Vec<OwnedUserId> = Vec::new();
    if let Some(create) = rooms.event(snapshot, &head.create_event_id).await? {
        #[derive(Deserialize)]
        struct Content {
            #[serde(default)]
            additional_creators: Vec<OwnedUserId>,
        }
        creators.push(create.pdu.sender().to_owned());
        if let Ok(content) = create.pdu.content_as::<Content>() {
            creators.extend(content.additional_creators);
        }
    }
    Ok(Some(RoomPowerLevels::new(source, rules, creators).into()))
}

/// Whether an event mentions the whole room, or looks as if it did. Nearly none does, and for no
/// other one the server's rules ask who may notify the room.
pub(crate) fn may_mention_room(event: &RoomEvent) -> bool {
    let json = event.pdu.json().as_bytes();
    json.windows(ROOM.len()).any(|window| window.eq_ignore_ascii_case(ROOM))
        || json.windows(ROOM_MENTION.len()).any(|window| window == ROOM_MENTION)
}

/// Whether the user made a rule of their own that asks who may notify the room.
pub(crate) fn asks_for_power_levels(rules: &Ruleset) -> bool {
    let asks = |condition: &PushCondition| {
        matches!(condition, PushCondition::SenderNotificationPermission(_))
    };
    let mut own_rules = rules.override_.iter().chain(&rules.underride).filter(|rule| !rule.default);
    own_rules.any(|rule| rule.conditions.iter().any(asks))
}
