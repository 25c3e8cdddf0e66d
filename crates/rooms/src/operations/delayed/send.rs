use futures_util::future::BoxFuture;
use pli_store::Position;
use ruma::{OwnedEventId, OwnedTransactionId, events::TimelineEventType};
use serde_json::value::RawValue;

use super::{DELAYED_EVENT, DelayedEventRow, DelayedOutcome, rows::stage_outcome};
use crate::{
    error::RoomError,
    log::{ClientTransaction, NewEvent, Operation, RoomTransaction},
    operations::send::{PutState, Redact, RedactionContent, without_voucher},
};

/// Sends a delayed event and notes in the same batch that it was.
pub(super) struct SendDelayed {
    pub(super) delay_id: String,
}

impl Operation for SendDelayed {
    fn run<'a>(
        &'a self,
        transaction: &'a mut RoomTransaction<'_>,
    ) -> BoxFuture<'a, Result<OwnedEventId, RoomError>> {
        Box::pin(async move {
            // It is part of the batch being built already: the next batch sees what came of it.
            if transaction.batch.requires(&DELAYED_EVENT, &self.delay_id) {
                return Err(RoomError::AfterCommit);
            }
            let snapshot = transaction.source.get().await?;
            let found = snapshot.get_versioned(&DELAYED_EVENT, &self.delay_id).await?;
            let (row, version) = found.ok_or(RoomError::UnknownDelayedEvent)?;
            match &row.outcome {
                None => {}
                Some(DelayedOutcome::Sent(event_id)) => return Ok(event_id.clone()),
                Some(_) => return Err(RoomError::DelayedEventIsOver),
            }
            if is_superseded(transaction, &row).await? {
                return Err(RoomError::DelayedEventSuperseded);
            }
            let event_id = append(transaction, &self.delay_id, &row).await?;
            self.note(transaction, row, version, event_id.clone());
            Ok(event_id)
        })
    }
}

impl SendDelayed {
    fn note(
        &self,
        transaction: &mut RoomTransaction<'_>,
        row: DelayedEventRow,
        version: Position,
        event_id: OwnedEventId,
    ) {
        let now_ms = transaction.rooms.inner.ambient.now_ms();
        let outcome = DelayedOutcome::Sent(event_id);
        stage_outcome(&mut transaction.batch, &self.delay_id, row, version, outcome, now_ms);
    }
}

/// State that somebody else set after the event was scheduled is newer than what the event says.
async fn is_superseded(
    transaction: &RoomTransaction<'_>,
    row: &DelayedEventRow,
) -> Result<bool, RoomError> {
    let Some(state_key) = &row.state_key else { return Ok(false) };
    let event_type = row.event_type.to_string();
    let root = transaction.head.state;
    let current = transaction.state_event_at(root, &event_type, state_key).await?;
    let Some(current) = current else { return Ok(false) };
    // An event of the batch being built has no position yet: it is newer than everything.
    let is_newer = current.stamp.is_none_or(|stamp| stamp.position() > row.seen);
    Ok(is_newer && current.pdu.sender() != row.user_id)
}

/// Appends the event in the way that its sender would have.
async fn append(
    transaction: &mut RoomTransaction<'_>,
    delay_id: &str,
    row: &DelayedEventRow,
) -> Result<OwnedEventId, RoomError> {
    let content = content(row)?;
    let event_type = row.event_type.clone();
    if let Some(state_key) = &row.state_key {
        let content = match event_type {
            TimelineEventType::RoomMember => without_voucher(content)?,
            _ => content,
        };
        let new = NewEvent::state(&row.user_id, event_type, state_key.clone(), content);
        let event = NewEvent { sticky: row.sticky(), ..new };
        return PutState { event }.run(transaction).await;
    }
    if event_type == TimelineEventType::RoomRedaction {
        let RedactionContent { redacts, reason } =
            serde_json::from_str(content.get()).map_err(bad_content)?;
        let client_transaction = ClientTransaction {
            user_id: row.user_id.clone(),
            device_id: row.device_id.clone(),
            scope: "delayed".to_owned(),
            transaction_id: OwnedTransactionId::from(delay_id),
        };
        let sender = row.user_id.clone();
        let redaction =
            Redact { sender, event_id: redacts, reason, transaction: client_transaction };
        return redaction.run(transaction).await;
    }
    let event = NewEvent {
        sender: row.user_id.clone(),
        event_type,
        state_key: None,
        content,
        redacts: None,
        timestamp: None,
        sticky: row.sticky(),
    };
    transaction.append(event).await
}

/// What the event says.
pub(super) fn content(row: &DelayedEventRow) -> Result<Box<RawValue>, RoomError> {
    RawValue::from_string(row.content.clone()).map_err(bad_content)
}

fn bad_content(error: serde_json::Error) -> RoomError {
    RoomError::BadContent(error.to_string())
}

/// The code and the text of an error that no later attempt would get round; `None` for the others.
pub(super) fn refusal(error: &RoomError) -> Option<(&'static str, String)> {
    let errcode = match error {
        RoomError::Forbidden(_) | RoomError::UnknownRoom(_) => "M_FORBIDDEN",
        RoomError::PolicyRefused { status: 400 | 403, .. } => "M_FORBIDDEN",
        RoomError::InviteBlocked(_) => "M_INVITE_BLOCKED",
        RoomError::DelayedEventSuperseded => "M_CANCELLED_BY_STATE_UPDATE",
        RoomError::UnknownEvent(_) => "M_NOT_FOUND",
        RoomError::BadContent(_) | RoomError::Event(_) => "M_BAD_JSON",
        RoomError::InvalidParam(_) => "M_INVALID_PARAM",
        RoomError::TooLarge(_) => "M_TOO_LARGE",
        RoomError::BadAlias(_) => "M_BAD_ALIAS",
        RoomError::DuplicateAnnotation => "M_DUPLICATE_ANNOTATION",
        RoomError::BadRelation(_) => "M_UNKNOWN",
        _ => return None,
    };
    Some((errcode, error.to_string()))
}
