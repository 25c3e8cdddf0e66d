use futures_util::future::BoxFuture;
use ruma::{
    OwnedDeviceId, OwnedEventId, OwnedTransactionId, OwnedUserId, RoomId, events::TimelineEventType,
};

use super::RoomTransaction;
use crate::{error::RoomError, event::RoomEvent, rows::SenderTransaction};

/// Something to be done to a room, as a decision on its state at that moment.
///
/// It may run several times, since it is built again when another node was faster. It appends at
/// most one event, and if it fails it has changed nothing.
pub(crate) trait Operation: Send + Sync {
    /// Carries it out. Returns the event that it made, or that was there already.
    fn run<'a>(
        &'a self,
        transaction: &'a mut RoomTransaction<'_>,
    ) -> BoxFuture<'a, Result<OwnedEventId, RoomError>>;

    /// The client transaction that this is: done at most once, whatever is repeated.
    fn client_transaction(&self) -> Option<&ClientTransaction> {
        None
    }
}

/// A client's request that must be done at most once, however often it is sent
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers)).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientTransaction {
    /// The user.
    pub(crate) user_id: OwnedUserId,
    /// Their device: transaction ids are its own.
    pub(crate) device_id: OwnedDeviceId,
    /// The endpoint with its path parameters.
    pub(crate) scope: String,
    /// The id that the device gave.
    pub(crate) transaction_id: OwnedTransactionId,
}

impl ClientTransaction {
    /// What the transactions that send messages of a type to a room have in common.
    pub(crate) fn scope_of_messages(room_id: &RoomId, event_type: &TimelineEventType) -> String {
        format!("send {room_id} {event_type}")
    }

    /// The transaction that made an event, if it can be told from the event: it was sent as a
    /// message. Redactions have an endpoint of their own.
    pub(crate) fn of_message(event: &RoomEvent) -> Option<Self> {
        let SenderTransaction { device_id, transaction_id } = event.transaction.clone()?;
        let event_type = event.pdu.event_type();
        if event.pdu.state_key().is_some() || *event_type == TimelineEventType::RoomRedaction {
            return None;
        }
        let scope = Self::scope_of_messages(event.pdu.room_id(), event_type);
        Some(Self { user_id: event.pdu.sender().to_owned(), device_id, scope, transaction_id })
    }

    pub(crate) fn key(&self) -> (&OwnedUserId, &OwnedDeviceId, &String, &str) {
        (&self.user_id, &self.device_id, &self.scope, self.transaction_id.as_str())
    }

    pub(crate) fn sender_transaction(&self) -> SenderTransaction {
        SenderTransaction {
            device_id: self.device_id.clone(),
            transaction_id: self.transaction_id.clone(),
        }
    }
}
