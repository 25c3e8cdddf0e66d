use std::time::Duration;

use pli_store::{Batch, Expect, Keyspace, Position, Record};
use ruma::{
    OwnedDeviceId, OwnedEventId, OwnedRoomId, OwnedUserId,
    events::{TimelineEventType, sticky::StickyDurationMs},
};
use serde::{Deserialize, Serialize};

/// Delayed events by their ids: those that wait, and those that are over for a while.
pub(crate) const DELAYED_EVENT: Keyspace<String, DelayedEventRow> = Keyspace::new("delayed_event");
/// The ids of the delayed events of a user that wait.
pub(crate) const DELAYED_EVENT_OF_USER: Keyspace<(OwnedUserId, String), ()> =
    Keyspace::new("delayed_event_of_user");
/// When each delayed event is to be looked at next, in milliseconds since the Unix epoch: sent, or
/// forgotten if it is over.
pub(crate) const DELAYED_EVENT_DUE: Keyspace<(u64, String), ()> =
    Keyspace::new("delayed_event_due");
/// The delayed event that a device's transaction made: user, device, what was scheduled, transaction
/// id.
pub(crate) const DELAYED_EVENT_TRANSACTION: Keyspace<
    (OwnedUserId, OwnedDeviceId, String, String),
    String,
> = Keyspace::new("delayed_event_transaction");

/// How long it is remembered what became of a delayed event.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A delayed event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelayedEventRow {
    /// Who sends it.
    pub user_id: OwnedUserId,
    /// From which device.
    pub device_id: OwnedDeviceId,
    /// Where.
    pub room_id: OwnedRoomId,
    /// Its type.
    pub event_type: TimelineEventType,
    /// Its state key, if it is a state event.
    pub state_key: Option<String>,
    /// Its content as JSON.
    pub content: String,
    /// For how long it sticks once it is sent, in milliseconds, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky_ms: Option<u32>,
    /// How long it waits, in milliseconds.
    pub delay_ms: u64,
    /// Since when it has been waiting, in milliseconds since the Unix epoch.
    pub running_since_ms: u64,
    /// What the device's transaction was about, and its id.
    pub transaction: Option<(String, String)>,
    /// The store's position when it was scheduled: what others set after that, it doesn't undo.
    pub seen: Position,
    /// How often sending it has failed for reasons that may pass.
    pub attempts: u32,
    /// When to try again after that, in milliseconds since the Unix epoch.
    pub retry_ms: Option<u64>,
    /// What became of it; `None`: it waits.
    pub outcome: Option<DelayedOutcome>,
    /// When that was, in milliseconds since the Unix epoch.
    pub finalised_ms: Option<u64>,
}

/// What became of a delayed event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DelayedOutcome {
    /// It was sent.
    Sent(OwnedEventId),
    /// Somebody cancelled it.
    Cancelled,
    /// It could not be sent.
    Failed {
        /// The `M_…` code.
        errcode: String,
        /// Why.
        error: String,
    },
}

impl Record for DelayedEventRow {}

impl DelayedEventRow {
    /// For how long it sticks once it is sent, if it does.
    #[must_use]
    pub fn sticky(&self) -> Option<StickyDurationMs> {
        self.sticky_ms.map(StickyDurationMs::new_clamped)
    }

    /// When it is to be looked at next, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn due_ms(&self) -> u64 {
        if let Some(finalised_ms) = self.finalised_ms {
            return finalised_ms.saturating_add(milliseconds(KEPT));
        }
        self.retry_ms.unwrap_or_else(|| self.running_since_ms.saturating_add(self.delay_ms))
    }
}

/// Notes what became of a delayed event that was read at `version`.
pub(super) fn stage_outcome(
    batch: &mut Batch,
    delay_id: &str,
    row: DelayedEventRow,
    version: Position,
    outcome: DelayedOutcome,
    now_ms: u64,
) {
    let due_ms = row.due_ms();
    let over = DelayedEventRow { outcome: Some(outcome), finalised_ms: Some(now_ms), ..row };
    batch
        .require(&DELAYED_EVENT, delay_id, Expect::Version(version))
        .put(&DELAYED_EVENT, delay_id, &over)
        .delete(&DELAYED_EVENT_OF_USER, (&over.user_id, delay_id))
        .delete(&DELAYED_EVENT_DUE, (due_ms, delay_id))
        .put(&DELAYED_EVENT_DUE, (over.due_ms(), delay_id), &());
}

/// Forgets a delayed event that is over.
pub(super) fn stage_removal(batch: &mut Batch, delay_id: &str, row: &DelayedEventRow) {
    batch
        .delete(&DELAYED_EVENT, delay_id)
        .delete(&DELAYED_EVENT_OF_USER, (&row.user_id, delay_id))
        .delete(&DELAYED_EVENT_DUE, (row.due_ms(), delay_id));
    if let Some((scope, id)) = &row.transaction {
        batch.delete(&DELAYED_EVENT_TRANSACTION, (&row.user_id, &row.device_id, scope, id));
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
