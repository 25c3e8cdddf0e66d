use pli_store::Record;
use ruma::OwnedRoomId;
use serde::{Deserialize, Serialize};

/// A changed profile on its way into the rooms of its user. Each room gets the profile as it is when
/// its turn comes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileJob {
    /// The last room that is done: the work goes on with the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<OwnedRoomId>,
}

impl Record for ProfileJob {}
