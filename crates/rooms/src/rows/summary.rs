use pli_store::Record;
use ruma::{
    OwnedMxcUri, OwnedRoomAliasId, OwnedServerName, OwnedUserId, RoomVersionId,
    events::room::history_visibility::HistoryVisibility, room::JoinRuleKind,
};
use serde::{Deserialize, Serialize};

/// What lists of rooms show, kept beside the state so that they need not load it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSummary {
    /// The room's version.
    pub room_version: RoomVersionId,
    /// `m.room.name`; `None` if unset or empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `m.room.canonical_alias`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical_alias: Option<OwnedRoomAliasId>,
    /// `m.room.topic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// `m.room.avatar`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<OwnedMxcUri>,
    /// The algorithm of `m.room.encryption`; present means encrypted, for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// The rule of `m.room.join_rules`; `invite` if unset.
    pub join_rule: JoinRuleKind,
    /// `m.room.history_visibility`; `shared` if unset.
    pub history_visibility: HistoryVisibility,
    /// Whether guests may join.
    #[serde(default)]
    pub guest_can_join: bool,
    /// The room's type, for example `m.space`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_type: Option<String>,
    /// The first joined or invited members, at most [`RoomSummary::HEROES`]: whoever reads takes
    /// themselves out and the first five of the rest.
    pub heroes: Vec<OwnedUserId>,
    /// How many people are joined.
    pub joined: u64,
    /// How many people are invited.
    pub invited: u64,
    /// `m.room.policy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<RoomPolicy>,
    /// Until when any event of the room sticks (MSC4354), in milliseconds since the Unix epoch; 0 if
    /// none ever did.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sticky_until_ms: u64,
}

impl Record for RoomSummary {}

/// The policy server that a room names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPolicy {
    /// Its server's name.
    pub via: OwnedServerName,
    /// The Ed25519 key that it signs with, in base64.
    pub ed25519: String,
}

impl RoomSummary {
    /// How many heroes are kept: five to show, and the reader.
    pub const HEROES: usize = 6;

    /// The summary of a room without any state yet.
    #[must_use]
    pub fn new(room_version: RoomVersionId) -> Self {
        Self {
            room_version,
            name: None,
            canonical_alias: None,
            topic: None,
            avatar_url: None,
            encryption: None,
            join_rule: JoinRuleKind::Invite,
            history_visibility: HistoryVisibility::Shared,
            guest_can_join: false,
            room_type: None,
            heroes: Vec::new(),
            joined: 0,
            invited: 0,
            policy: None,
            sticky_until_ms: 0,
        }
    }

    /// The people whose names stand for the room's when it has none: five at most, not the reader.
    pub fn heroes_for(&self, reader: &ruma::UserId) -> impl Iterator<Item = &OwnedUserId> {
        self.heroes.iter().filter(move |hero| *hero != reader).take(5)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
