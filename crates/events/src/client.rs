use std::{borrow::Cow, collections::BTreeMap};

use ruma::{
    EventId, MilliSecondsSinceUnixEpoch, TransactionId, UserId,
    events::{TimelineEventType, room::member::MembershipState},
    serde::Raw,
};
use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeMap},
};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    Pdu,
    sticky::{STICKY, sticky_object},
};

/// An event as clients receive it ([specification][spec]), to be serialised as JSON.
///
/// Starts with every field that the event itself has; add what the reader may know besides. What
/// the event's content is made of is copied as text, never parsed.
///
/// [spec]: https://spec.matrix.org/v1.19/client-server-api/#room-event-format
#[derive(Clone, Copy, Debug)]
pub struct ClientEvent<'a> {
    pdu: &'a Pdu,
    with_room_id: bool,
    /// With every field that servers exchange.
    is_whole: bool,
    now: Option<MilliSecondsSinceUnixEpoch>,
    transaction_id: Option<&'a TransactionId>,
    membership: Option<&'a MembershipState>,
    previous: Option<&'a Pdu>,
    redacted_because: Option<&'a Pdu>,
    redaction_transaction_id: Option<&'a TransactionId>,
    relations: Option<&'a RawValue>,
}

impl<'a> ClientEvent<'a> {
    /// The full format, with `room_id`.
    #[must_use]
    pub fn new(pdu: &'a Pdu) -> Self {
        Self {
            pdu,
            with_room_id: true,
            is_whole: false,
            now: None,
            transaction_id: None,
            membership: None,
            previous: None,
            redacted_because: None,
            redaction_transaction_id: None,
            relations: None,
        }
    }

    /// The format of `/sync`, without `room_id`.
    #[must_use]
    pub fn for_sync(pdu: &'a Pdu) -> Self {
        Self { with_room_id: false, ..Self::new(pdu) }
    }

    /// All that servers exchange of the event, signatures included, with its id and `room_id`.
    #[must_use]
    pub fn for_server(pdu: &'a Pdu) -> Self {
        Self { is_whole: true, ..Self::new(pdu) }
    }

    /// Adds `unsigned.age`: how long ago the event was sent.
    #[must_use]
    pub fn at(mut self, now: MilliSecondsSinceUnixEpoch) -> Self {
        self.now = Some(now);
        self
    }

    /// Adds `unsigned.transaction_id`. Only for the device that sent the event.
    #[must_use]
    pub fn transaction_id(mut self, transaction_id: Option<&'a TransactionId>) -> Self {
        self.transaction_id = transaction_id;
        self
    }

    /// Adds `unsigned.membership`: what the reader was in the room when the event was sent.
    #[must_use]
    pub fn membership(mut self, membership: Option<&'a MembershipState>) -> Self {
        self.membership = membership;
        self
    }

    /// Adds `unsigned.prev_content` and `unsigned.prev_sender` from the state event that this one
    /// replaced ([`Pdu::replaces_state`]). Only if the reader may see that one.
    #[must_use]
    pub fn previous(mut self, previous: Option<&'a Pdu>) -> Self {
        self.previous = previous;
        self
    }

    /// Adds `unsigned.redacted_because`: the redaction that made this event what it is. With its
    /// transaction id for the device that sent the redaction.
    #[must_use]
    pub fn redacted_because(
        mut self,
        redaction: Option<&'a Pdu>,
        transaction_id: Option<&'a TransactionId>,
    ) -> Self {
        self.redacted_because = redaction;
        self.redaction_transaction_id = transaction_id;
        self
    }

    /// Adds `unsigned.m.relations`: the bundled aggregations, a JSON object.
    #[must_use]
    pub fn relations(mut self, relations: Option<&'a RawValue>) -> Self {
        self.relations = relations;
        self
    }

    /// The event's JSON, as ruma's responses take it.
    #[must_use]
    pub fn to_raw<T>(&self) -> Raw<T> {
        Raw::from_json(self.to_raw_value())
    }

    /// The event's JSON.
    #[must_use]
    pub fn to_raw_value(&self) -> Box<RawValue> {
        const INVARIANT: &str = "string keys and valid JSON values always serialise";
        if self.with_room_id {
            return to_raw_value(self).expect(INVARIANT);
        }
        // Many people sync the same event: what is the same for all of them is written once.
        let fields = self.pdu.sync_fields(|| {
            let fields = EventFields { pdu: self.pdu, with_room_id: false };
            let mut json = serde_json::to_string(&fields).expect(INVARIANT);
            json.pop();
            json.into()
        });
        let unsigned = self.unsigned();
        let mut json = Vec::with_capacity(fields.len() + USUAL_UNSIGNED_BYTES);
        json.extend_from_slice(fields.as_bytes());
        if !unsigned.is_empty() {
            json.extend_from_slice(b",\"unsigned\":");
            serde_json::to_writer(&mut json, &unsigned).expect(INVARIANT);
        }
        json.push(b'}');
        let json = String::from_utf8(json).expect("JSON is UTF-8");
        RawValue::from_string(json).expect("the fields and an object make an object")
    }

    fn unsigned(&self) -> Unsigned<'_> {
        Unsigned {
            age: self.now.map(|now| age(self.pdu, now)),
            sticky_ttl: self.now.and_then(|now| sticky_ttl(self.pdu, now)),
            membership: self.membership,
            relations: self.relations,
            prev_content: self.previous.map(Pdu::content),
            prev_sender: self.previous.map(Pdu::sender),
            redacted_because: self.redacted_because.map(|redaction| ClientEvent {
                with_room_id: self.with_room_id,
                now: self.now,
                transaction_id: self.redaction_transaction_id,
                ..ClientEvent::new(redaction)
            }),
            replaces_state: self.pdu.replaces_state(),
            transaction_id: self.transaction_id,
        }
    }
}

/// Room for what `unsigned` usually says: the age, a membership and a transaction id.
const USUAL_UNSIGNED_BYTES: usize = 128;

/// What a client gets of the event itself.
struct EventFields<'a> {
    pdu: &'a Pdu,
    with_room_id: bool,
}

impl EventFields<'_> {
    fn serialize_to<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let pdu = self.pdu;
        let redacts = serialize_redaction_target(pdu, map)?;
        if !redacts {
            map.serialize_entry("content", pdu.content())?;
        }
        map.serialize_entry("event_id", pdu.event_id())?;
        map.serialize_entry("origin_server_ts", &pdu.origin_server_ts())?;
        if self.with_room_id {
            map.serialize_entry("room_id", pdu.room_id())?;
        }
        map.serialize_entry("sender", pdu.sender())?;
        if let Some(state_key) = pdu.state_key() {
            map.serialize_entry("state_key", state_key)?;
        }
        if let Some(duration) = pdu.sticky() {
            map.serialize_entry(STICKY, &sticky_object(duration))?;
        }
        map.serialize_entry("type", pdu.event_type())
    }
}

impl Serialize for EventFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_to(&mut map)?;
        map.end()
    }
}

impl Serialize for ClientEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.is_whole {
            let json = self.pdu.federation_json();
            let mut fields: BTreeMap<Cow<'_, str>, &RawValue> =
                serde_json::from_str(json.get()).map_err(S::Error::custom)?;
            fields.retain(|field, _| !matches!(&**field, "event_id" | "room_id"));
            map.serialize_entry("event_id", self.pdu.event_id())?;
            map.serialize_entry("room_id", self.pdu.room_id())?;
            for (field, value) in fields {
                map.serialize_entry(&field, value)?;
            }
        } else {
            EventFields { pdu: self.pdu, with_room_id: self.with_room_id }
                .serialize_to(&mut map)?;
        }
        let unsigned = self.unsigned();
        if !unsigned.is_empty() {
            map.serialize_entry("unsigned", &unsigned)?;
        }
        map.end()
    }
}

/// Of a redaction, writes `redacts` and `content` so that clients of every age find what is
/// redacted: in the event (room versions 1 to 10) as well as in the content (since 11).
///
/// Returns whether it wrote the content.
fn serialize_redaction_target<M: SerializeMap>(pdu: &Pdu, map: &mut M) -> Result<bool, M::Error> {
    if *pdu.event_type() != TimelineEventType::RoomRedaction {
        return Ok(false);
    }
    match pdu.redacts_anywhere() {
        (Some(in_event), in_content) => {
            map.serialize_entry("redacts", in_event)?;
            if in_content.is_none()
                && let Some(content) = content_with_redacts(pdu, in_event)
            {
                map.serialize_entry("content", &content)?;
                return Ok(true);
            }
        }
        (None, Some(in_content)) => map.serialize_entry("redacts", in_content)?,
        (None, None) => {}
    }
    Ok(false)
}

fn content_with_redacts(pdu: &Pdu, redacts: &EventId) -> Option<serde_json::Value> {
    let mut content: serde_json::Value = pdu.content_as().ok()?;
    content.as_object_mut()?.insert("redacts".to_owned(), redacts.as_str().into());
    Some(content)
}

/// Milliseconds since the event was sent; negative when the sender's clock is ahead.
fn age(pdu: &Pdu, now: MilliSecondsSinceUnixEpoch) -> i64 {
    i64::from(now.0) - i64::from(pdu.origin_server_ts().0)
}

/// For how many milliseconds the event still sticks, if it does: clients whose clock is wrong go by
/// this (MSC4354).
fn sticky_ttl(pdu: &Pdu, now: MilliSecondsSinceUnixEpoch) -> Option<u64> {
    let now = u64::from(now.0);
    let left = pdu.sticky_until_ms(now)?.saturating_sub(now);
    (left > 0).then_some(left)
}

#[derive(Serialize)]
struct Unsigned<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<i64>,
    #[serde(rename = "msc4354_sticky_duration_ttl_ms", skip_serializing_if = "Option::is_none")]
    sticky_ttl: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<&'a MembershipState>,
    #[serde(rename = "m.relations", skip_serializing_if = "Option::is_none")]
    relations: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_content: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_sender: Option<&'a UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted_because: Option<ClientEvent<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces_state: Option<&'a EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<&'a TransactionId>,
}

impl Unsigned<'_> {
    fn is_empty(&self) -> bool {
        self.age.is_none()
            && self.sticky_ttl.is_none()
            && self.membership.is_none()
            && self.relations.is_none()
            && self.prev_content.is_none()
            && self.prev_sender.is_none()
            && self.redacted_because.is_none()
            && self.replaces_state.is_none()
            && self.transaction_id.is_none()
    }
}

/// A state event reduced to what somebody outside the room may see of it
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#stripped-state)).
///
/// The create event is not reduced: it proves which room this is (MSC4311).
#[derive(Clone, Copy, Debug)]
pub struct StrippedStateEvent<'a>(pub &'a Pdu);

impl StrippedStateEvent<'_> {
    /// The event's JSON, as ruma's responses take it.
    #[must_use]
    pub fn to_raw<T>(&self) -> Raw<T> {
        let json = to_raw_value(self).expect("string keys and valid JSON values always serialise");
        Raw::from_json(json)
    }
}

impl Serialize for StrippedStateEvent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_create() {
            return EventFields { pdu: self.0, with_room_id: true }.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("content", self.0.content())?;
        map.serialize_entry("sender", self.0.sender())?;
        map.serialize_entry("state_key", self.0.state_key().unwrap_or_default())?;
        map.serialize_entry("type", self.0.event_type())?;
        map.end()
    }
}
