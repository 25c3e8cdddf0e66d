use pli_store::{AsKey, CodecError, Key, Record};
use ruma::{OwnedEventId, OwnedMxcUri, events::room::member::MembershipState};
use serde::{Deserialize, Serialize};

/// A membership as a part of keys: one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MembershipKind {
    /// Is in the room.
    Join,
    /// Is invited.
    Invite,
    /// Asked to be invited.
    Knock,
    /// Left, was removed, or rejected an invitation.
    Leave,
    /// Is banned.
    Ban,
}

impl MembershipKind {
    /// All of them, in the order of the keys.
    pub const ALL: [Self; 5] = [Self::Join, Self::Invite, Self::Knock, Self::Leave, Self::Ban];

    /// The kind of an event's `membership`; a value that the specification doesn't know is taken for
    /// "not in the room".
    #[must_use]
    pub fn of(membership: &MembershipState) -> Self {
        match membership {
            MembershipState::Join => Self::Join,
            MembershipState::Invite => Self::Invite,
            MembershipState::Knock => Self::Knock,
            MembershipState::Ban => Self::Ban,
            _ => Self::Leave,
        }
    }

    /// The event's form.
    #[must_use]
    pub fn to_state(self) -> MembershipState {
        match self {
            Self::Join => MembershipState::Join,
            Self::Invite => MembershipState::Invite,
            Self::Knock => MembershipState::Knock,
            Self::Leave => MembershipState::Leave,
            Self::Ban => MembershipState::Ban,
        }
    }

    const fn to_byte(self) -> u8 {
        match self {
            Self::Join => 0,
            Self::Invite => 1,
            Self::Knock => 2,
            Self::Leave => 3,
            Self::Ban => 4,
        }
    }
}

impl AsKey<Self> for MembershipKind {
    fn encode_to(&self, out: &mut Vec<u8>) {
        out.push(self.to_byte());
    }
}

impl Key for MembershipKind {
    fn decode(input: &mut &[u8]) -> Result<Self, CodecError> {
        let byte = u8::decode(input)?;
        let found = Self::ALL.into_iter().find(|kind| kind.to_byte() == byte);
        found.ok_or_else(|| CodecError::Key(format!("unknown membership {byte}")))
    }
}

/// A member of a room, for paging through its members without walking its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// The membership event.
    pub event_id: OwnedEventId,
    /// The member's name in this room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The member's picture in this room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<OwnedMxcUri>,
}

impl Record for MemberRow {}
