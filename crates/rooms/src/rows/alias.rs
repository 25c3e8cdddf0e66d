use pli_store::Record;
use ruma::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

/// Where an alias of this server points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasRow {
    /// The room.
    pub room_id: OwnedRoomId,
    /// Who made the alias: they may take it away again.
    pub creator: OwnedUserId,
}

impl Record for AliasRow {}
