use pli_events::room_version_rules;
use pli_rooms::{RoomError, Rooms};
use pli_store::Snapshot;
use ruma::{
    OwnedUserId, RoomId,
    events::{
        StateEventType,
        room::power_levels::{RoomPowerLevels, RoomPowerLevelsEventContent, RoomPowerLevelsSource},
    },
    push::PushConditionPowerLevelsCtx,
};
use serde::Deserialize;

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
