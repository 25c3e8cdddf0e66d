use futures_util::future::BoxFuture;
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedDeviceId, OwnedEventId, OwnedRoomAliasId, OwnedRoomId,
    OwnedTransactionId, OwnedUserId, RoomId,
    events::{StateEventType, TimelineEventType, sticky::StickyDurationMs},
    state_res::events::RoomPowerLevelsIntField,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    Rooms,
    error::RoomError,
    keyspaces::{ALIAS, TRANSACTION},
    log::{ClientTransaction, NewEvent, Operation, RoomTransaction},
};

/// A message to send.
#[derive(Clone, Debug)]
pub struct SendMessage {
    /// Who sends it.
    pub sender: OwnedUserId,
    /// From which device.
    pub device_id: OwnedDeviceId,
    /// Where.
    pub room_id: OwnedRoomId,
    /// Its type.
    pub event_type: TimelineEventType,
    /// Its content: a JSON object.
    pub content: Box<RawValue>,
    /// The device's transaction id: sending the same again gives the same event.
    pub transaction_id: OwnedTransactionId,
    /// When it was sent, if not now (application services only).
    pub timestamp: Option<MilliSecondsSinceUnixEpoch>,
    /// For how long it sticks, if it does (MSC4354).
    pub sticky: Option<StickyDurationMs>,
}

/// A state event to set.
#[derive(Clone, Debug)]
pub struct SetState {
    /// Who sets it.
    pub sender: OwnedUserId,
    /// Where.
    pub room_id: OwnedRoomId,
    /// Its type.
    pub event_type: StateEventType,
    /// Its state key.
    pub state_key: String,
    /// Its content: a JSON object.
    pub content: Box<RawValue>,
    /// When it was sent, if not now (application services only).
    pub timestamp: Option<MilliSecondsSinceUnixEpoch>,
    /// For how long it sticks, if it does (MSC4354).
    pub sticky: Option<StickyDurationMs>,
}

/// An event to redact.
#[derive(Clone, Debug)]
pub struct Redaction {
    /// Who redacts.
    pub sender: OwnedUserId,
    /// From which device.
    pub device_id: OwnedDeviceId,
    /// Where.
    pub room_id: OwnedRoomId,
    /// What.
    pub event_id: OwnedEventId,
    /// Why.
    pub reason: Option<String>,
    /// The device's transaction id.
    pub transaction_id: OwnedTransactionId,
}

impl Rooms {
    /// Sends a message.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownRoom`], [`RoomError::TooLarge`],
    /// [`RoomError::BadContent`]; when the store fails.
    pub async fn send_message(&self, message: SendMessage) -> Result<OwnedEventId, RoomError> {
        let SendMessage { sender, device_id, room_id, event_type, content, .. } = message;
        // A redaction sent like any other message names what it redacts in its content.
        if event_type == TimelineEventType::RoomRedaction {
            let RedactionContent { redacts, reason } = serde_json::from_str(content.get())
                .map_err(|_| {
                    RoomError::BadContent(
                        "a redaction says in `redacts` what it redacts".to_owned(),
                    )
                })?;
            let transaction_id = message.transaction_id;
            let event_id = redacts;
            return self
                .redact(Redaction { sender, device_id, room_id, event_id, reason, transaction_id })
                .await;
        }
        // For the authorisation rules these are state, or nothing. A message's type is no variant of
        // theirs.
        if matches!(&*event_type.to_string(), "m.room.create" | "m.room.member") {
            return Err(RoomError::BadContent(format!("{event_type} is a state event")));
        }
        let transaction = ClientTransaction {
            user_id: sender.clone(),
            device_id,
            scope: ClientTransaction::scope_of_messages(&room_id, &event_type),
            transaction_id: message.transaction_id,
        };
        let event = NewEvent {
            sender,
            event_type,
            state_key: None,
            content,
            redacts: None,
            timestamp: message.timestamp,
            sticky: message.sticky,
        };
        self.submit(&room_id, Append { event, transaction }).await
    }

    /// Sets a state event. What is set already to the same content by the same sender stays as it
    /// is, unless it is to stick.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownRoom`], [`RoomError::TooLarge`],
    /// [`RoomError::BadContent`], [`RoomError::BadAlias`]; when the store fails.
    pub async fn set_state(&self, state: SetState) -> Result<OwnedEventId, RoomError> {
        let SetState { sender, room_id, event_type, state_key, content, timestamp, sticky } = state;
        let event_type = TimelineEventType::from(event_type);
        let content = match event_type {
            TimelineEventType::RoomMember => {
                self.check_set_invite(&sender, &state_key, &content).await?;
                without_voucher(content)?
            }
            _ => content,
        };
        let new = NewEvent::state(&sender, event_type, state_key, content);
        self.submit(&room_id, PutState { event: NewEvent { timestamp, sticky, ..new } }).await
    }

    /// Redacts an event.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownRoom`], [`RoomError::UnknownEvent`]; when the
    /// store fails.
    pub async fn redact(&self, redaction: Redaction) -> Result<OwnedEventId, RoomError> {
        let Redaction { sender, device_id, room_id, event_id, reason, transaction_id } = redaction;
        let transaction = ClientTransaction {
            user_id: sender.clone(),
            device_id,
            scope: format!("redact {room_id} {event_id}"),
            transaction_id,
        };
        self.submit(&room_id, Redact { sender, event_id, reason, transaction }).await
    }
}

#[derive(Deserialize)]
pub(super) struct RedactionContent {
    pub(super) redacts: OwnedEventId,
    pub(super) reason: Option<String>,
}

struct Append {
    event: NewEvent,
    transaction: ClientTransaction,
}

impl Operation for Append {
    fn run<'a>(
        &'a self,
        transaction: &'a mut RoomTransaction<'_>,
    ) -> BoxFuture<'a, Result<OwnedEventId, RoomError>> {
        Box::pin(async move {
            if let Err(error) = transaction.check_relation(&self.event).await {
                // Sent again, it is what it was the first time.
                let snapshot = transaction.source.get().await?;
                let known = snapshot.get(&TRANSACTION, self.transaction.key()).await?;
                return known.map(|known| known.event_id).ok_or(error);
            }
            transaction.append(self.event.clone()).await
        })
    }

    fn client_transaction(&self) -> Option<&ClientTransaction> {
        Some(&self.transaction)
    }
}

pub(super) struct PutState {
    pub(super) event: NewEvent,
}

impl Operation for PutState {
    fn run<'a>(
        &'a self,
        transaction: &'a mut RoomTransaction<'_>,
    ) -> BoxFuture<'a, Result<OwnedEventId, RoomError>> {
        Box::pin(async move {
            let event = &self.event;
            // A room is created once, by its first event.
            if event.event_type == TimelineEventType::RoomCreate {
                return Err(RoomError::BadContent("the room exists already".to_owned()));
            }
            let state_key = event.state_key.as_deref().unwrap_or_default();
            let event_type = event.event_type.to_string();
            let root = transaction.head.state;
            let current = transaction.state_event_at(root, &event_type, state_key).await?;
            // What sticks is sent for its time, which begins anew.
            if let Some(current) = &current
                && event.sticky.is_none()
                && current.pdu.sender() == event.sender
                && current.redacted_by.is_none()
                && is_same_json(current.pdu.content(), &event.content)
            {
                return Ok(current.event_id().to_owned());
            }
            if event.event_type == TimelineEventType::RoomPowerLevels {
                check_levels_name_no_creator(transaction, &event.content).await?;
            }
            if event.event_type == TimelineEventType::RoomCanonicalAlias {
                let former = current.map(|current| current.pdu.content().to_owned());
                check_aliases(transaction, &event.content, former.as_deref()).await?;
            }
            transaction.append(event.clone()).await
        })
    }
}

/// Since version 12 creators have all power, and power levels that name one are malformed
/// ([specification](https://spec.matrix.org/v1.19/rooms/v12/#authorization-rules)).
async fn check_levels_name_no_creator(
    transaction: &RoomTransaction<'_>,
    content: &RawValue,
) -> Result<(), RoomError> {
    #[derive(Deserialize)]
    struct Levels {
        #[serde(default)]
        users: serde_json::Map<String, serde_json::Value>,
    }
    // Whatever else is wrong with the content, the rules say.
    let Ok(Levels { users }) = serde_json::from_str(content.get()) else { return Ok(()) };
    let levels = transaction.power_levels_at(transaction.head.state).await?;
    match levels.privileged_creators().find(|creator| users.contains_key(creator.as_str())) {
        Some(creator) => Err(RoomError::BadContent(format!(
            "{creator} created this room and has all power in it: leave them out of `users`"
        ))),
        None => Ok(()),
    }
}

/// A membership without who vouches for it: that is for the server to say, when somebody joins.
pub(super) fn without_voucher(content: Box<RawValue>) -> Result<Box<RawValue>, RoomError> {
    const VOUCHER: &str = "join_authorised_via_users_server";
    if !content.get().contains(VOUCHER) {
        return Ok(content);
    }
    let bad = |error: serde_json::Error| RoomError::BadContent(error.to_string());
    let mut fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(content.get()).map_err(bad)?;
    fields.remove(VOUCHER);
    to_raw_value(&fields).map_err(bad)
}

fn is_same_json(left: &RawValue, right: &RawValue) -> bool {
    let parse = |json: &RawValue| serde_json::from_str::<serde_json::Value>(json.get()).ok();
    parse(left).is_some_and(|left| parse(right) == Some(left))
}

#[derive(Default, Deserialize)]
struct AliasesContent {
    alias: Option<String>,
    #[serde(default)]
    alt_aliases: Vec<String>,
}

impl AliasesContent {
    fn all(&self) -> impl Iterator<Item = &String> {
        // An empty alias means none.
        self.alias.iter().filter(|alias| !alias.is_empty()).chain(&self.alt_aliases)
    }
}

/// Aliases that an `m.room.canonical_alias` event adds have to point to the room
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#mroomcanonical_alias)).
async fn check_aliases(
    transaction: &RoomTransaction<'_>,
    content: &RawValue,
    former: Option<&RawValue>,
) -> Result<(), RoomError> {
    let new: AliasesContent = serde_json::from_str(content.get())
        .map_err(|error| RoomError::BadContent(format!("not a list of aliases: {error}")))?;
    let former: AliasesContent =
        former.and_then(|former| serde_json::from_str(former.get()).ok()).unwrap_or_default();
    for alias in new.all() {
        if former.all().any(|known| known == alias) {
            continue;
        }
        let alias = OwnedRoomAliasId::try_from(alias.as_str())
            .map_err(|error| RoomError::InvalidParam(format!("not an alias: {alias}: {error}")))?;
        let target = transaction.source.get().await?.get(&ALIAS, &alias).await?;
        if target.is_none_or(|target| target.room_id != transaction.room_id) {
            return Err(RoomError::BadAlias(alias));
        }
    }
    Ok(())
}

pub(super) struct Redact {
    pub(super) sender: OwnedUserId,
    pub(super) event_id: OwnedEventId,
    pub(super) reason: Option<String>,
    pub(super) transaction: ClientTransaction,
}

impl Operation for Redact {
    fn run<'a>(
        &'a self,
        transaction: &'a mut RoomTransaction<'_>,
    ) -> BoxFuture<'a, Result<OwnedEventId, RoomError>> {
        Box::pin(async move {
            if transaction.is_pending(&self.event_id) {
                return Err(RoomError::AfterCommit);
            }
            let is_here = |room_id: &RoomId| room_id == transaction.room_id;
            let target = transaction.event(&self.event_id).await?;
            let target = target
                .filter(|target| is_here(target.pdu.room_id()))
                .ok_or_else(|| RoomError::UnknownEvent(self.event_id.clone()))?;
            // Whoever may send redactions may redact their own events; for those of others it takes
            // the power to redact.
            if target.pdu.sender() != self.sender {
                let levels = transaction.power_levels_at(transaction.head.state).await?;
                if !levels.allows(&self.sender, RoomPowerLevelsIntField::Redact) {
                    return Err(RoomError::Forbidden(
                        "you may not remove other people's messages in this room".to_owned(),
                    ));
                }
            }
            let content = match &self.reason {
                Some(reason) => to_raw_value(&serde_json::json!({ "reason": reason })),
                None => to_raw_value(&serde_json::json!({})),
            };
            let content = content.map_err(|error| RoomError::BadContent(error.to_string()))?;
            transaction
                .append(NewEvent {
                    sender: self.sender.clone(),
                    event_type: TimelineEventType::RoomRedaction,
                    state_key: None,
                    content,
                    redacts: Some(self.event_id.clone()),
                    timestamp: None,
                    sticky: None,
                })
                .await
        })
    }

    fn client_transaction(&self) -> Option<&ClientTransaction> {
        Some(&self.transaction)
    }
}
