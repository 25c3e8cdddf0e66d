use ruma::{OwnedDeviceId, OwnedUserId};

/// Who sent a request: what an access token stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requester {
    /// The user.
    pub user_id: OwnedUserId,
    /// The device (session) that the access token belongs to.
    pub device_id: OwnedDeviceId,
}
