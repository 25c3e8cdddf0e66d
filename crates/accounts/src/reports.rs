//! What people report to this server's administrators: messages, rooms, other people (client-server
//! API, section "Reporting Content").

use pli_store::{Batch, Direction, Keyspace, Record, Store, ambient::Ambient};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::AccountsError;

/// when (milliseconds since the Unix epoch), id → a report.
pub(crate) const REPORTS: Keyspace<(u64, String), Report> = Keyspace::new("reports");

/// The longest reason, in bytes.
const MAX_REASON: usize = 8 * 1024;

/// What somebody reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reported {
    /// A message, or another event.
    Event {
        /// Where.
        room_id: OwnedRoomId,
        /// Which.
        event_id: OwnedEventId,
        /// Whose.
        sender: OwnedUserId,
    },
    /// A room.
    Room {
        /// Which.
        room_id: OwnedRoomId,
    },
    /// Somebody.
    User {
        /// Who.
        user_id: OwnedUserId,
    },
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who reports.
    pub by: OwnedUserId,
    /// What.
    pub reported: Reported,
    /// Why; empty if they don't say.
    pub reason: String,
}

impl Record for Report {}

/// The reports of the users of this server. Cheap to clone.
#[derive(Clone)]
pub struct Reports {
    store: Store,
    ambient: Ambient,
}

impl Reports {
    /// The reports in a store.
    #[must_use]
    pub fn new(store: Store, ambient: Ambient) -> Self {
        Self { store, ambient }
    }

    /// Keeps a report for the administrators.
    ///
    /// # Errors
    /// [`AccountsError::TooLarge`] for an overlong reason; when the store fails.
    pub async fn file(&self, report: &Report) -> Result<(), AccountsError> {
        if report.reason.len() > MAX_REASON {
            return Err(AccountsError::TooLarge("say why in fewer words".into()));
        }
        let id = self.ambient.random_string(8);
        let mut batch = Batch::new();
        batch.put(&REPORTS, (self.ambient.now_ms(), &id), report);
        self.store.commit(batch).await?;
        tracing::info!(by = %report.by, reported = ?report.reported, "a report was filed");
        Ok(())
    }

    /// The latest reports, the newest first, and when each was made, in milliseconds since the Unix
    /// epoch.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn latest(&self, limit: usize) -> Result<Vec<(u64, Report)>, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let rows = snapshot.scan(&REPORTS, REPORTS.all(), limit, Direction::Backward).await?;
        Ok(rows.into_iter().map(|row| (row.key.0, row.value)).collect())
    }
}
