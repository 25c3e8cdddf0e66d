use std::{sync::Arc, time::Duration};

use pli_accounts::filters::SyncFilter;
use ruma::{OwnedDeviceId, OwnedUserId, api::client::filter::LazyLoadOptions};

use crate::SyncToken;

/// A parsed `/sync` request.
#[derive(Clone, Debug)]
pub struct SyncRequest {
    /// Who asks.
    pub user_id: OwnedUserId,
    /// On which device.
    pub device_id: OwnedDeviceId,
    /// What the device has seen; `None`: nothing yet.
    pub since: Option<SyncToken>,
    /// What it wants to see.
    pub filter: Arc<SyncFilter>,
    /// Whether it wants the whole state of every room.
    pub full_state: bool,
    /// Whether state is told as of the end of the timeline instead of its start.
    pub use_state_after: bool,
    /// How long to wait for news.
    pub timeout: Duration,
}

impl SyncRequest {
    /// Whether only those members are told whom the timeline needs, and whether those that the
    /// device was told of before are told again.
    pub(crate) fn lazy_members(&self) -> Option<bool> {
        match self.filter.room.state.lazy_load_options {
            LazyLoadOptions::Enabled { include_redundant_members } => {
                Some(include_redundant_members)
            }
            LazyLoadOptions::Disabled => None,
        }
    }
}
