//! What happens to presence by nothing happening.

use std::time::Duration;

use ruma::OwnedUserId;

use super::{Presence, PresenceRow};
use crate::SyncError;

/// How often it is looked who fell idle or went away.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Presence {
    /// Tells of those who fall idle or go away. Works until the future is dropped.
    pub async fn run(self) {
        if !self.inner.is_enabled {
            return;
        }
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "some people's presence may be told late");
            }
        }
    }

    async fn look(&self) -> Result<(), SyncError> {
        let now_ms = self.inner.ambient.now_ms();
        let mut changed: Vec<OwnedUserId> = Vec::new();
        let mut gone: Vec<(OwnedUserId, PresenceRow)> = Vec::new();
        self.inner.people.lock().retain(|user_id, person| {
            if person.tell(now_ms) {
                changed.push(user_id.clone());
            }
            let is_gone = person.is_gone(now_ms);
            if is_gone {
                let status_msg = person.status_msg.take();
                let last_active_ms = Some(person.last_active_ms());
                gone.push((user_id.clone(), PresenceRow { status_msg, last_active_ms }));
            }
            !is_gone
        });
        // Written before others are told: they read it.
        for (user_id, row) in gone {
            self.write(&user_id, &row).await?;
        }
        for user_id in changed {
            self.announce(&user_id).await?;
        }
        Ok(())
    }
}
