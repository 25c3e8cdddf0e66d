use ruma::{
    OwnedMxcUri, OwnedRoomAliasId, events::room::history_visibility::HistoryVisibility,
    room::JoinRuleKind,
};
use serde_json::Value;

use crate::{
    event::RoomEvent, policy_server::policy_in, rows::RoomSummary, visibility::visibility_in,
};

impl RoomSummary {
    /// Takes over what a state event says (`None`: the event is gone from the state). Returns
    /// whether the summary changed. Membership is counted elsewhere.
    pub(crate) fn follow(
        &mut self,
        event_type: &str,
        state_key: &str,
        event: Option<&RoomEvent>,
    ) -> bool {
        if !state_key.is_empty() {
            return false;
        }
        // Whatever isn't of the right type counts as absent: other servers' events may hold anything.
        let text = |field: &str| {
            let content: Value = event?.pdu.content_as().ok()?;
            let text = content.get(field)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        match event_type {
            "m.room.name" => replace(&mut self.name, text("name")),
            "m.room.topic" => replace(&mut self.topic, text("topic")),
            "m.room.avatar" => replace(&mut self.avatar_url, text("url").map(OwnedMxcUri::from)),
            "m.room.canonical_alias" => {
                let alias = text("alias").and_then(|alias| OwnedRoomAliasId::try_from(alias).ok());
                replace(&mut self.canonical_alias, alias)
            }
            // Encryption can't be switched off, whatever becomes of the event.
            "m.room.encryption" => match text("algorithm") {
                Some(algorithm) => replace(&mut self.encryption, Some(algorithm)),
                None => false,
            },
            "m.room.join_rules" => {
                let rule = text("join_rule").map_or(JoinRuleKind::Invite, JoinRuleKind::from);
                replace(&mut self.join_rule, rule)
            }
            "m.room.history_visibility" => {
                let visibility = event.map_or(HistoryVisibility::Shared, visibility_in);
                replace(&mut self.history_visibility, visibility)
            }
            "m.room.guest_access" => replace(
                &mut self.guest_can_join,
                text("guest_access").as_deref() == Some("can_join"),
            ),
            "m.room.policy" => {
                replace(&mut self.policy, event.and_then(|event| policy_in(&event.pdu)))
            }
            "m.room.create" => replace(&mut self.room_type, text("type")),
            _ => false,
        }
    }
}

fn replace<T: PartialEq>(place: &mut T, value: T) -> bool {
    if *place == value {
        return false;
    }
    *place = value;
    true
}
