use std::time::Duration;

use pli_rooms::DelayedEventLimits;
use serde::Deserialize;

/// `[delayed_events]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DelayedEventsConfig {
    /// How long an event can wait before it is sent.
    #[serde(with = "humantime_serde")]
    pub max_delay: Duration,
    /// How many events of one person can wait at a time.
    pub max_per_user: usize,
}

impl Default for DelayedEventsConfig {
    fn default() -> Self {
        Self { max_delay: Duration::from_secs(31 * 24 * 60 * 60), max_per_user: 100 }
    }
}

impl DelayedEventsConfig {
    pub(crate) fn limits(&self) -> DelayedEventLimits {
        DelayedEventLimits { max_delay: self.max_delay, max_per_user: self.max_per_user }
    }
}
