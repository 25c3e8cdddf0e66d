use std::{collections::HashMap, sync::Arc};

use pli_events::ClientEvent;
use pli_store::Snapshot;
use ruma::{
    DeviceId, MilliSecondsSinceUnixEpoch, OwnedEventId, TransactionId, UserId,
    events::room::member::MembershipState, serde::Raw,
};

use serde_json::value::RawValue;

use crate::{Rooms, error::RoomError, event::RoomEvent};

/// Who reads events: decides about `unsigned.transaction_id`, `membership` and `prev_content`.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The user.
    pub user_id: &'a UserId,
    /// Their device, if they read on one.
    pub device_id: Option<&'a DeviceId>,
}

impl Rooms {
    /// Events as `/sync` gives them (without `room_id`), in the same order.
    ///
    /// Only for events that the reader may see: ask [`Rooms::visible_events`] first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sync_events<T>(
        &self,
        snapshot: &Snapshot,
        reader: Reader<'_>,
        events: &[Arc<RoomEvent>],
    ) -> Result<Vec<Raw<T>>, RoomError> {
        self.format_events(snapshot, reader, events, |pdu| ClientEvent::for_sync(pdu)).await
    }

    /// Events as `/sync` gives them to whoever wants to see them as servers exchange them, in the same
    /// order.
    ///
    /// Only for events that the reader may see: ask [`Rooms::visible_events`] first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn federation_events<T>(
        &self,
        snapshot: &Snapshot,
        reader: Reader<'_>,
        events: &[Arc<RoomEvent>],
    ) -> Result<Vec<Raw<T>>, RoomError> {
        self.format_events(snapshot, reader, events, |pdu| ClientEvent::for_server(pdu)).await
    }

    /// Events as all other endpoints give them (with `room_id`), in the same order.
    ///
    /// Only for events that the reader may see: ask [`Rooms::visible_events`] first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn client_events<T>(
        &self,
        snapshot: &Snapshot,
        reader: Reader<'_>,
        events: &[Arc<RoomEvent>],
    ) -> Result<Vec<Raw<T>>, RoomError> {
        self.format_events(snapshot, reader, events, |pdu| ClientEvent::new(pdu)).await
    }

    async fn format_events<T>(
        &self,
        snapshot: &Snapshot,
        reader: Reader<'_>,
        events: &[Arc<RoomEvent>],
        format: for<'p> fn(&'p pli_events::Pdu) -> ClientEvent<'p>,
    ) -> Result<Vec<Raw<T>>, RoomError> {
        let now = self.inner.ambient.now();
        let companions = self.companions(snapshot, events).await?;
        // Of most events nothing is to be told but themselves.
        let bundles = if events.iter().all(|event| event.related.is_nothing()) {
            HashMap::new()
        } else {
            Box::pin(self.bundles(snapshot, reader, events, format)).await?
        };
        let mut formatted = Vec::with_capacity(events.len());
        // Messages don't change the state: one after the other have the same before them.
        let mut last = None;
        for event in events {
            let membership = match last.take() {
                Some((root, membership))
                    if root == event.state_before && event.pdu.state_key().is_none() =>
                {
                    membership
                }
                _ => self.membership_at(snapshot, reader.user_id, event).await?,
            };
            let relations = bundles.get(event.event_id()).map(|bundle| &**bundle);
            formatted.push(format_event(
                event,
                reader,
                now,
                &membership,
                &companions,
                relations,
                format,
            ));
            last = event.pdu.state_key().is_none().then_some((event.state_before, membership));
        }
        Ok(formatted)
    }

    /// The redactions and the replaced state events that events are shown with.
    async fn companions(
        &self,
        snapshot: &Snapshot,
        events: &[Arc<RoomEvent>],
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let needed = |event: &Arc<RoomEvent>| {
            let replaced = event.pdu.replaces_state().map(ToOwned::to_owned);
            [event.redacted_by.clone(), replaced]
        };
        let event_ids: Vec<OwnedEventId> = events.iter().flat_map(needed).flatten().collect();
        Ok(self.events(snapshot, &event_ids).await?.into_iter().flatten().collect())
    }
}

pub(super) fn format_event<T>(
    event: &RoomEvent,
    reader: Reader<'_>,
    now: MilliSecondsSinceUnixEpoch,
    membership: &MembershipState,
    companions: &[Arc<RoomEvent>],
    relations: Option<&RawValue>,
    format: for<'p> fn(&'p pli_events::Pdu) -> ClientEvent<'p>,
) -> Raw<T> {
    let companion = |event_id: Option<&ruma::EventId>| {
        let event_id = event_id?;
        companions.iter().find(|event| event.event_id() == event_id)
    };
    let redaction = companion(event.redacted_by.as_deref());
    // A redacted event doesn't bring back what it replaced.
    let previous = companion(event.pdu.replaces_state()).filter(|_| event.redacted_by.is_none());
    let redaction_transaction_id =
        redaction.and_then(|redaction| own_transaction_id(redaction, reader));
    format(&event.pdu)
        .at(now)
        .membership(Some(membership))
        .transaction_id(own_transaction_id(event, reader))
        .previous(previous.map(|previous| &previous.pdu))
        .relations(relations)
        .redacted_because(redaction.map(|redaction| &redaction.pdu), redaction_transaction_id)
        .to_raw()
}

/// Only the device that sent an event learns its transaction id.
fn own_transaction_id<'e>(event: &'e RoomEvent, reader: Reader<'_>) -> Option<&'e TransactionId> {
    let transaction = event.transaction.as_ref().filter(|transaction| {
        event.pdu.sender() == reader.user_id && reader.device_id == Some(&transaction.device_id)
    });
    transaction.map(|transaction| &*transaction.transaction_id)
}
