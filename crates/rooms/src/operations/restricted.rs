//! Rooms that members of other rooms may join.

use pli_store::Direction;
use ruma::{
    OwnedRoomId, OwnedUserId, UserId, events::StateEventType,
    state_res::events::RoomPowerLevelsIntField,
};
use serde::Deserialize;

use crate::{
    error::RoomError,
    keyspaces::{MEMBER, USER_ROOM},
    log::RoomTransaction,
    rows::MembershipKind,
};

/// How many members are looked at for one who may invite.
const MOST_CANDIDATES: usize = 200;

#[derive(Deserialize)]
struct JoinRules {
    join_rule: String,
    #[serde(default)]
    allow: Vec<Allow>,
}

#[derive(Deserialize)]
struct Allow {
    r#type: String,
    room_id: Option<OwnedRoomId>,
}

impl RoomTransaction<'_> {
    /// For somebody who joins a restricted room because they are in one of the rooms that it names:
    /// a member of this server who may invite and so vouches for the join
    /// ([specification](https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms)).
    pub(crate) async fn authorise_restricted_join(
        &self,
        user_id: &UserId,
        kind: Option<MembershipKind>,
    ) -> Result<Option<OwnedUserId>, RoomError> {
        // Whoever is in the room or invited needs nobody.
        if matches!(kind, Some(MembershipKind::Join | MembershipKind::Invite | MembershipKind::Ban))
        {
            return Ok(None);
        }
        let event = self.state_event(&StateEventType::RoomJoinRules, "").await?;
        let rules = event.and_then(|event| event.pdu.content_as::<JoinRules>().ok());
        let is_restricted = |rules: &JoinRules| match &*rules.join_rule {
            "restricted" => self.rules.authorization.restricted_join_rule,
            "knock_restricted" => self.rules.authorization.knock_restricted_join_rule,
            _ => false,
        };
        let Some(rules) = rules.filter(is_restricted) else { return Ok(None) };

        let snapshot = self.source.get().await?;
        let named_rooms = rules
            .allow
            .into_iter()
            .filter(|allow| allow.r#type == "m.room_membership")
            .filter_map(|allow| allow.room_id);
        let keys: Vec<_> = named_rooms.map(|room_id| (user_id.to_owned(), room_id)).collect();
        let memberships = snapshot.get_many(&USER_ROOM, &keys).await?;
        let is_in_one =
            memberships.iter().flatten().any(|(row, _)| row.membership == MembershipKind::Join);
        if !is_in_one {
            return Err(RoomError::Forbidden(
                "this room is open to the members of certain other rooms, and you are in none of \
                 them: ask for an invitation"
                    .to_owned(),
            ));
        }

        let levels = self.power_levels_at(self.head.state).await?;
        let range = MEMBER.prefix((&self.room_id, MembershipKind::Join));
        let members = snapshot.scan(&MEMBER, range, MOST_CANDIDATES, Direction::Forward).await?;
        let members = members.into_iter().map(|row| row.key.2);
        let sender_of_create = self.known_event(&self.head.create_event_id).await?;
        let candidates = [sender_of_create.pdu.sender().to_owned()].into_iter().chain(members);
        let server_name = &self.rooms.inner.config.server_name;
        for candidate in candidates {
            let is_here = candidate.server_name() == server_name;
            if !is_here || !levels.allows(&candidate, RoomPowerLevelsIntField::Invite) {
                continue;
            }
            let member = self.state_event(&StateEventType::RoomMember, candidate.as_str()).await?;
            let is_joined = member.is_some_and(|member| {
                MembershipKind::of(&crate::visibility::membership_in(&member))
                    == MembershipKind::Join
            });
            if is_joined {
                return Ok(Some(candidate));
            }
        }
        Err(RoomError::Forbidden(
            "nobody in this room may invite: there is no one to vouch for you".to_owned(),
        ))
    }
}
