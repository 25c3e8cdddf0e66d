use pli_store::{CodecError, Position, Record, Stamp, Value};
use ruma::{
    DeviceId, EventId, OwnedDeviceId, OwnedEventId, OwnedRoomId, OwnedTransactionId, TransactionId,
};
use serde::{Deserialize, Serialize};

use super::Related;
use crate::state::StateRoot;

/// An event as the timeline or the outliers hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// The event's id.
    pub event_id: OwnedEventId,
    /// The event as servers exchange it, in canonical JSON; pruned once it is redacted.
    pub json: String,
    /// The room's state before the event, according to its `prev_events`.
    pub state_before: StateRoot,
    /// What this server took for the room's state once it had appended the event.
    pub room_state: StateRoot,
    /// The event didn't pass the authorisation rules: clients never see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rejected: bool,
    /// The event was allowed where it was sent but not any more when it arrived: clients don't see
    /// it, and events don't refer to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub soft_failed: bool,
    /// The event that redacted this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted_by: Option<OwnedEventId>,
    /// The device that sent it and the transaction id it used, for events of this server's clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<SenderTransaction>,
    /// What refers to it.
    #[serde(default, skip_serializing_if = "Related::is_nothing")]
    pub related: Related,
}

/// The first byte of a row with the names of its fields, as they were written once.
const NAMED: u8 = 1;
/// The first byte of a row without them.
const PACKED: u8 = 2;

/// A row's fields as they are written, in this order. SQLite moves what a row of a keyspace has beyond
/// about 2,000 bytes to a page of its own, to be read for each row of a page of history: a message of
/// 1 KiB has to stay below that. Whatever comes to be kept besides goes to the end of both of these,
/// with `#[serde(default)]` there.
#[derive(Serialize)]
struct Packed<'a>(
    &'a EventId,
    &'a str,
    StateRoot,
    /// The state after the event, if it is another one.
    Option<StateRoot>,
    Marks,
    Option<&'a EventId>,
    Option<(&'a DeviceId, &'a TransactionId)>,
);

/// The same for reading.
#[derive(Deserialize)]
struct Unpacked(
    OwnedEventId,
    String,
    StateRoot,
    Option<StateRoot>,
    Marks,
    Option<OwnedEventId>,
    Option<(OwnedDeviceId, OwnedTransactionId)>,
);

/// What is or isn't so of an event, a bit for each.
type Marks = u8;

const REJECTED: Marks = 1;
const SOFT_FAILED: Marks = 1 << 1;
const REPLACED: Marks = 1 << 2;
const THREADED: Marks = 1 << 3;
const REFERENCED: Marks = 1 << 4;

impl StoredEvent {
    fn marks(&self) -> Marks {
        let Related { replaced, threaded, referenced } = self.related;
        [
            (self.rejected, REJECTED),
            (self.soft_failed, SOFT_FAILED),
            (replaced, REPLACED),
            (threaded, THREADED),
            (referenced, REFERENCED),
        ]
        .into_iter()
        .filter_map(|(is_so, mark)| is_so.then_some(mark))
        .fold(0, |marks, mark| marks | mark)
    }
}

impl Value for StoredEvent {
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let transaction = self.transaction.as_ref();
        let packed = Packed(
            &self.event_id,
            &self.json,
            self.state_before,
            (self.room_state != self.state_before).then_some(self.room_state),
            self.marks(),
            self.redacted_by.as_deref(),
            transaction.map(|transaction| (&*transaction.device_id, &*transaction.transaction_id)),
        );
        let mut bytes = Vec::with_capacity(self.json.len() + 256);
        bytes.push(PACKED);
        rmp_serde::encode::write(&mut bytes, &packed)
            .map_err(|error| CodecError::Value(error.to_string()))?;
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let malformed = |error: rmp_serde::decode::Error| CodecError::Value(error.to_string());
        let rest = bytes.get(1..).unwrap_or_default();
        match bytes.first() {
            Some(&PACKED) => {
                rmp_serde::from_slice(rest).map(Unpacked::into_event).map_err(malformed)
            }
            Some(&NAMED) => rmp_serde::from_slice(rest).map_err(malformed),
            Some(&other) => Err(CodecError::Version(other)),
            None => Err(CodecError::Value("empty".to_owned())),
        }
    }
}

impl Unpacked {
    fn into_event(self) -> StoredEvent {
        let Self(event_id, json, state_before, room_state, marks, redacted_by, transaction) = self;
        let is_marked = |mark| marks & mark != 0;
        StoredEvent {
            event_id,
            json,
            state_before,
            room_state: room_state.unwrap_or(state_before),
            rejected: is_marked(REJECTED),
            soft_failed: is_marked(SOFT_FAILED),
            redacted_by,
            transaction: transaction
                .map(|(device_id, transaction_id)| SenderTransaction { device_id, transaction_id }),
            related: Related {
                replaced: is_marked(REPLACED),
                threaded: is_marked(THREADED),
                referenced: is_marked(REFERENCED),
            },
        }
    }
}

/// Which device sent an event, and how it called it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderTransaction {
    /// The sender's device.
    pub device_id: OwnedDeviceId,
    /// The device's transaction id.
    pub transaction_id: OwnedTransactionId,
}

/// Where an event is to be found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventPlace {
    /// On the timeline, appended in the batch that wrote this row.
    Live {
        /// The event's room.
        room_id: OwnedRoomId,
        /// Its index among the rows that its batch appended.
        index: u16,
    },
    /// On the timeline, before everything that this server was there for.
    Backfilled {
        /// The event's room.
        room_id: OwnedRoomId,
        /// Its place on the timeline; the order is negative.
        stamp: Stamp,
    },
    /// Not on the timeline: known because another event refers to it.
    Outlier {
        /// The event's room.
        room_id: OwnedRoomId,
    },
}

impl Record for EventPlace {}

impl EventPlace {
    /// The event's room.
    #[must_use]
    pub fn room_id(&self) -> &OwnedRoomId {
        match self {
            Self::Live { room_id, .. }
            | Self::Backfilled { room_id, .. }
            | Self::Outlier { room_id } => room_id,
        }
    }

    /// The event's place on its room's timeline, given this row's version.
    #[must_use]
    pub fn stamp(&self, version: Position) -> Option<Stamp> {
        match self {
            Self::Live { index, .. } => Some(Stamp { index: *index, ..Stamp::first_at(version) }),
            Self::Backfilled { stamp, .. } => Some(*stamp),
            Self::Outlier { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use ruma::{event_id, owned_device_id, owned_event_id};

    use super::*;

    fn message(json: String) -> StoredEvent {
        StoredEvent {
            event_id: event_id!("$IE2MEhknnG_EItDeCyQD5IDC_c0e7BRkjkI36axzrQ0").to_owned(),
            json,
            state_before: StateRoot::new([7; 32]),
            room_state: StateRoot::new([7; 32]),
            rejected: false,
            soft_failed: false,
            redacted_by: None,
            transaction: Some(SenderTransaction {
                device_id: owned_device_id!("HAUJGQVW84"),
                transaction_id: "m1795347948111.19".into(),
            }),
            related: Related::default(),
        }
    }

    #[test]
    fn events_are_read_as_they_were_written() {
        let plain = message("{}".to_owned());
        let marked = StoredEvent {
            room_state: StateRoot::new([8; 32]),
            soft_failed: true,
            redacted_by: Some(owned_event_id!("$redaction")),
            transaction: None,
            related: Related { threaded: true, ..Related::default() },
            ..plain.clone()
        };
        let other = StoredEvent {
            rejected: true,
            related: Related { replaced: true, referenced: true, threaded: false },
            ..plain.clone()
        };
        for event in [plain, marked, other] {
            assert_eq!(StoredEvent::decode(&event.encode().unwrap()).unwrap(), event);
        }
        assert!(StoredEvent::decode(&[]).is_err());
        assert!(matches!(StoredEvent::decode(&[9, 0]), Err(CodecError::Version(9))));
    }

    #[test]
    fn events_of_older_stores_are_still_read() {
        let mut event = message("{}".to_owned());
        event.redacted_by = Some(owned_event_id!("$redaction"));
        let mut bytes = vec![NAMED];
        rmp_serde::encode::write_named(&mut bytes, &event).unwrap();
        assert_eq!(StoredEvent::decode(&bytes).unwrap(), event);
    }

    #[test]
    fn a_message_of_1_kib_fits_where_it_is_read_without_another_page() {
        // What of a row of a keyspace stays on its page of 8 KiB, less a row's key and lengths.
        let most = 2_030 - 80;
        let json_of_such_a_message = 1_802;
        let bytes = message("x".repeat(json_of_such_a_message)).encode().unwrap();
        assert!(bytes.len() <= most, "{}", bytes.len());
    }
}
