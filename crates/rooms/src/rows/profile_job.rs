use pli_store::Record;
use ruma::{OwnedMxcUri, OwnedRoomId};
use serde::{Deserialize, Serialize};

/// A changed profile on its way into the rooms of its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileJob {
    /// The name to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The picture to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<OwnedMxcUri>,
    /// The last room that is done: the work goes on with the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<OwnedRoomId>,
}

impl Record for ProfileJob {}
