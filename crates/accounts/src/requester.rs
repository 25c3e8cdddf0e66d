use std::sync::Arc;

use ruma::{OwnedDeviceId, OwnedUserId};

use crate::{AccountsError, standing::Standing};

/// Who sent a request: what an access token stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requester {
    /// The user.
    pub user_id: OwnedUserId,
    /// The device (session) that the access token belongs to. Empty for an application service that
    /// acts for no device: no device has this id.
    pub device_id: OwnedDeviceId,
    /// The application service that acts for the user; `None`: the user themselves.
    pub app_service: Option<Arc<ActingService>>,
    /// How the user stands with the server's administrators.
    pub standing: Standing,
}

/// An application service that acts for one of its users.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActingService {
    /// Its id.
    pub id: String,
    /// Whether its requests for this user count towards the rate limits.
    pub is_rate_limited: bool,
    /// Whether it manages its users' devices itself and so never signs in (MSC4190).
    pub manages_devices: bool,
}

impl Requester {
    /// A user on one of their devices.
    #[must_use]
    pub fn new(user_id: OwnedUserId, device_id: OwnedDeviceId) -> Self {
        Self { user_id, device_id, app_service: None, standing: Standing::default() }
    }

    /// Refuses what nobody may do whose account is suspended: to speak, to be seen differently, to
    /// come into rooms ([specification](https://spec.matrix.org/v1.19/client-server-api/#account-suspension)).
    ///
    /// # Errors
    /// [`AccountsError::UserSuspended`].
    pub fn check_may_speak(&self) -> Result<(), AccountsError> {
        if self.standing.suspended { Err(AccountsError::UserSuspended) } else { Ok(()) }
    }

    /// The device; `None` for an application service that acts for no device.
    #[must_use]
    pub fn device(&self) -> Option<&OwnedDeviceId> {
        (!self.device_id.as_str().is_empty()).then_some(&self.device_id)
    }

    /// Whether an application service acts for the user.
    #[must_use]
    pub fn is_app_service(&self) -> bool {
        self.app_service.is_some()
    }
}
