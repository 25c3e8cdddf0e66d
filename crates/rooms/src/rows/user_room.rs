use pli_store::{Position, Record, Stamp};
use ruma::{OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use super::{MembershipKind, WrittenAt};

/// What a user is to a room, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRoomRow {
    /// The user's membership.
    pub membership: MembershipKind,
    /// The membership event.
    pub event_id: OwnedEventId,
    /// When the membership event was appended.
    pub changed: WrittenAt,
    /// When the membership last became what it is: unlike [`Self::changed`] not moved by a new name
    /// or picture.
    pub since: WrittenAt,
    /// When the user was last joined before they left, if they ever were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_until: Option<WrittenAt>,
    /// The user forgot the room after leaving it.
    #[serde(default)]
    pub forgotten: bool,
    /// For invitations: the inviter meant a direct conversation.
    #[serde(default)]
    pub is_direct: bool,
    /// For invitations and knocks: the few state events that say what room it is, as JSON array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripped_state: Option<String>,
}

impl Record for UserRoomRow {}

impl UserRoomRow {
    /// The same row, to be written again in a later batch.
    pub(crate) fn settled(mut self, version: Position) -> Self {
        self.changed = self.changed.settled(version);
        self.since = self.since.settled(version);
        self.joined_until = self.joined_until.map(|until| until.settled(version));
        self
    }

    pub(crate) fn read(self, room_id: OwnedRoomId, version: Position) -> UserRoom {
        UserRoom {
            room_id,
            membership: self.membership,
            changed: self.changed.resolve(version),
            since: self.since.resolve(version),
            joined_until: self.joined_until.map(|until| until.resolve(version)),
            event_id: self.event_id,
            forgotten: self.forgotten,
            is_direct: self.is_direct,
            stripped_state: self.stripped_state,
        }
    }
}

/// What a user is to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRoom {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The user's membership.
    pub membership: MembershipKind,
    /// The membership event.
    pub event_id: OwnedEventId,
    /// The membership event's place on the timeline. For somebody who left, nothing after it is
    /// theirs to see.
    pub changed: Stamp,
    /// When the membership last became what it is (a new name or picture doesn't count): for a
    /// joined user, when they came in.
    pub since: Stamp,
    /// When the user left after having been joined, if they ever were and aren't now.
    pub joined_until: Option<Stamp>,
    /// The user forgot the room after leaving it.
    pub forgotten: bool,
    /// For invitations: the inviter meant a direct conversation.
    pub is_direct: bool,
    /// For invitations and knocks: the room's stripped state events, as a JSON array.
    pub stripped_state: Option<String>,
}
