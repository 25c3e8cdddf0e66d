//! What is shown of a room that somebody may come into.
//!
//! Ruma leaves the join rule out where it is `public`; clients take that for `invite`.

use pli_rooms::{MembershipKind, RoomPreview};
use ruma::{
    OwnedMxcUri, OwnedRoomAliasId, OwnedRoomId, RoomVersionId,
    events::room::history_visibility::HistoryVisibility, room::JoinRuleKind,
};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct PreviewBody {
    room_id: OwnedRoomId,
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical_alias: Option<OwnedRoomAliasId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<OwnedMxcUri>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_type: Option<String>,
    num_joined_members: u64,
    join_rule: JoinRuleKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_room_ids: Option<Vec<OwnedRoomId>>,
    world_readable: bool,
    guest_can_join: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<String>,
    room_version: RoomVersionId,
}

impl From<RoomPreview> for PreviewBody {
    fn from(preview: RoomPreview) -> Self {
        let RoomPreview { room_id, summary, allowed_rooms, .. } = preview;
        let names_rooms =
            matches!(summary.join_rule, JoinRuleKind::Restricted | JoinRuleKind::KnockRestricted);
        Self {
            room_id,
            canonical_alias: summary.canonical_alias,
            name: summary.name,
            topic: summary.topic,
            avatar_url: summary.avatar_url,
            room_type: summary.room_type,
            num_joined_members: summary.joined,
            join_rule: summary.join_rule,
            allowed_room_ids: names_rooms.then_some(allowed_rooms),
            world_readable: summary.history_visibility == HistoryVisibility::WorldReadable,
            guest_can_join: summary.guest_can_join,
            encryption: summary.encryption,
            room_version: summary.room_version,
        }
    }
}

/// A membership, as clients know it.
pub(super) fn membership_name(kind: MembershipKind) -> &'static str {
    match kind {
        MembershipKind::Join => "join",
        MembershipKind::Invite => "invite",
        MembershipKind::Leave => "leave",
        MembershipKind::Ban => "ban",
        MembershipKind::Knock => "knock",
    }
}
