//! What a user approves on the account's page rather than in an app (section "OAuth
//! authentication"): so far, the replacement of the cross-signing keys.

use std::time::Duration;

use pli_store::{Batch, Keyspace, Position, Record};
use ruma::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use super::{Operation, UserInteractive};
use crate::AccountsError;

/// user → until when the cross-signing keys may be replaced.
pub(crate) const CROSS_SIGNING_RESETS: Keyspace<OwnedUserId, ApprovalRecord> =
    Keyspace::new("cross_signing_resets");

/// How long an approval is good for: who approved goes back to the app at once.
const APPROVAL_LIFETIME: Duration = Duration::from_secs(10 * 60);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ApprovalRecord {
    pub(crate) expires_ms: u64,
}

impl Record for ApprovalRecord {}

impl UserInteractive {
    /// A user approves, on the account's page, that an app replaces the cross-signing keys: once,
    /// within ten minutes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn approve_cross_signing_reset(&self, user_id: &UserId) -> Result<(), AccountsError> {
        let lifetime_ms = u64::try_from(APPROVAL_LIFETIME.as_millis()).unwrap_or(u64::MAX);
        let expires_ms = self.ambient.now_ms().saturating_add(lifetime_ms);
        let mut batch = Batch::new();
        batch.put(&CROSS_SIGNING_RESETS, user_id, &ApprovalRecord { expires_ms });
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Whether the user of an operation approved it, and which approval that is.
    pub(super) async fn approval_of(
        &self,
        operation: &Operation,
    ) -> Result<Option<(OwnedUserId, Position)>, AccountsError> {
        let Some(user_id) = &operation.user_id else { return Ok(None) };
        let snapshot = self.store.snapshot().await?;
        let found = snapshot.get_versioned(&CROSS_SIGNING_RESETS, user_id).await?;
        let now_ms = self.ambient.now_ms();
        let valid = found.filter(|(approval, _)| approval.expires_ms > now_ms);
        Ok(valid.map(|(_, version)| (user_id.clone(), version)))
    }
}
