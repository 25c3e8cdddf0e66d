//! A delayed event as its sender sees it.

use pli_rooms::{DelayedEvent, DelayedOutcome};
use ruma::{OwnedEventId, OwnedRoomId, events::TimelineEventType};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::MatrixError;

/// The form of the accepted proposal, and with it what clients read before: ruma has only the latter.
#[derive(Serialize)]
pub(in crate::client) struct Item {
    delay_id: String,
    room_id: OwnedRoomId,
    #[serde(rename = "type")]
    event_type: TimelineEventType,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_key: Option<String>,
    content: Box<RawValue>,
    delay_ms: u64,
    delayed_since_ts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    finalised: Option<Finalised>,

    delay: u64,
    running_since: u64,
    #[serde(flatten)]
    finalised_before: Option<Finalised>,
}

/// What became of it: sent if there is an event, not sent because of the error if there is one,
/// cancelled if there is neither.
#[derive(Clone, Serialize)]
struct Finalised {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<OwnedEventId>,
    finalised_ts: u64,
}

impl TryFrom<DelayedEvent> for Item {
    type Error = MatrixError;

    fn try_from(DelayedEvent { delay_id, row }: DelayedEvent) -> Result<Self, MatrixError> {
        let content = RawValue::from_string(row.content).map_err(MatrixError::internal)?;
        let finalised = row.finalised_ms.map(|finalised_ts| {
            let (error, event_id) = match row.outcome {
                Some(DelayedOutcome::Sent(event_id)) => (None, Some(event_id)),
                Some(DelayedOutcome::Failed { errcode, error }) => {
                    (Some(json!({ "errcode": errcode, "error": error })), None)
                }
                Some(DelayedOutcome::Cancelled) | None => (None, None),
            };
            Finalised { error, event_id, finalised_ts }
        });
        Ok(Self {
            delay_id,
            room_id: row.room_id,
            event_type: row.event_type,
            state_key: row.state_key,
            content,
            delay_ms: row.delay_ms,
            delayed_since_ts: row.running_since_ms,
            finalised: finalised.clone(),
            delay: row.delay_ms,
            running_since: row.running_since_ms,
            finalised_before: finalised,
        })
    }
}
