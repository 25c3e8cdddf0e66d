use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use ruma::{
    CanonicalJsonObject, EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId,
    OwnedUserId, RoomId, UInt, UserId,
    canonical_json::RedactingSerializer,
    events::{TimelineEventType, sticky::StickyDurationMs},
    room_version_rules::{
        EventIdFormatVersion, EventsReferenceFormatVersion, RedactionRules, RoomVersionRules,
    },
    state_res,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{
    EventError, canonical_object, canonical_string,
    limits::{check_format, check_size, required_string},
    sticky::sticky_duration,
};

/// The fields that neither the reference hash nor a signature covers.
const FIELDS_NOT_SIGNED: &[&str] = &["signatures", "unsigned"];

/// An event of a room's log. Immutable; cloning costs a reference count.
///
/// It keeps the canonical JSON that it was parsed from: what other servers get and what the size
/// limits count.
#[derive(Clone)]
pub struct Pdu(Arc<Fields>);

#[derive(Clone)]
pub(crate) struct Fields {
    pub(crate) event_id: OwnedEventId,
    pub(crate) room_id: OwnedRoomId,
    /// Whether the JSON names the room; a create event of version 12 doesn't.
    pub(crate) names_room: bool,
    pub(crate) sender: OwnedUserId,
    pub(crate) event_type: TimelineEventType,
    pub(crate) content: Box<RawValue>,
    pub(crate) state_key: Option<Box<str>>,
    pub(crate) origin_server_ts: MilliSecondsSinceUnixEpoch,
    pub(crate) prev_events: Vec<OwnedEventId>,
    pub(crate) auth_events: Vec<OwnedEventId>,
    pub(crate) depth: UInt,
    pub(crate) redacts: Option<OwnedEventId>,
    pub(crate) content_redacts: Option<OwnedEventId>,
    pub(crate) replaces_state: Option<OwnedEventId>,
    pub(crate) sticky: Option<StickyDurationMs>,
    pub(crate) rejected: bool,
    pub(crate) json: Box<str>,
    /// What clients get of the event itself in `/sync`: JSON without the closing brace. Made when it
    /// is asked for the first time.
    pub(crate) sync_fields: OnceLock<Box<str>>,
}

/// The fields of an event whose format has been checked.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
    sender: OwnedUserId,
    room_id: Option<OwnedRoomId>,
    #[serde(borrow)]
    state_key: Option<Cow<'a, str>>,
    origin_server_ts: MilliSecondsSinceUnixEpoch,
    prev_events: Vec<Reference>,
    auth_events: Vec<Reference>,
    depth: UInt,
    #[serde(borrow)]
    redacts: Option<&'a RawValue>,
    #[serde(borrow)]
    msc4354_sticky: Option<&'a RawValue>,
    #[serde(default)]
    unsigned: WireUnsigned,
}

/// How one event names another: by its id, and up to version 2 as a pair with its hashes.
struct Reference(OwnedEventId);

impl Reference {
    fn event_ids(references: Vec<Self>) -> Vec<OwnedEventId> {
        references.into_iter().map(|Self(event_id)| event_id).collect()
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReferenceVisitor;

        impl<'de> Visitor<'de> for ReferenceVisitor {
            type Value = Reference;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an event id, alone or with the event's hashes")
            }

            fn visit_str<E: Error>(self, event_id: &str) -> Result<Reference, E> {
                OwnedEventId::try_from(event_id).map(Reference).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Reference, A::Error> {
                let event_id = pair.next_element()?;
                while pair.next_element::<IgnoredAny>()?.is_some() {}
                event_id.map(Reference).ok_or_else(|| A::Error::invalid_length(0, &self))
            }
        }

        deserializer.deserialize_any(ReferenceVisitor)
    }
}

#[derive(Default, Deserialize)]
struct WireUnsigned {
    replaces_state: Option<OwnedEventId>,
}

#[derive(Deserialize)]
struct RedactionContent<'a> {
    #[serde(borrow)]
    redacts: Option<&'a RawValue>,
}

impl Pdu {
    /// The event that this server stored: nothing is hashed or checked again.
    ///
    /// `json` is what [`Pdu::json`] gave, `event_id` what [`Pdu::event_id`] gave.
    ///
    /// # Errors
    /// [`EventError::Json`] when the JSON is not an event's: the store is damaged.
    pub fn from_stored(
        event_id: OwnedEventId,
        json: impl Into<Box<str>>,
    ) -> Result<Self, EventError> {
        let json = json.into();
        let wire: Wire<'_> = serde_json::from_str(&json)?;

        let event_type = TimelineEventType::from(&*wire.r#type);
        let names_room = wire.room_id.is_some();
        let room_id = match wire.room_id {
            Some(room_id) => room_id,
            None => room_id_of_create_event(&event_type, &event_id)?,
        };
        let content_redacts = redacts_in_content(&event_type, wire.content);
        Ok(Self::from_fields(Fields {
            room_id,
            names_room,
            sender: wire.sender,
            event_type,
            content: wire.content.to_owned(),
            state_key: wire.state_key.map(Into::into),
            origin_server_ts: wire.origin_server_ts,
            prev_events: Reference::event_ids(wire.prev_events),
            auth_events: Reference::event_ids(wire.auth_events),
            depth: wire.depth,
            redacts: wire.redacts.and_then(event_id_in),
            content_redacts,
            replaces_state: wire.unsigned.replaces_state,
            sticky: wire.msc4354_sticky.and_then(sticky_duration),
            rejected: false,
            event_id,
            json,
            sync_fields: OnceLock::new(),
        }))
    }

    /// An event given as canonical JSON: checks its format and computes its id.
    ///
    /// Signatures and the content hash are not looked at: for what other servers send use
    /// [`IncomingPdu`](crate::IncomingPdu). `unsigned` is dropped, since nobody vouches for it.
    ///
    /// # Errors
    /// When a field is missing or malformed, or a limit is exceeded.
    pub fn from_object(
        mut object: CanonicalJsonObject,
        rules: &RoomVersionRules,
    ) -> Result<Self, EventError> {
        object.remove("unsigned");
        check_format(&object, rules)?;
        let json = canonical_string(&object);
        check_size(json.len())?;
        let event_id = event_id_of(&object, rules)?;
        Self::from_stored(event_id, json)
    }

    pub(crate) fn from_fields(fields: Fields) -> Self {
        Self(Arc::new(fields))
    }

    /// The event's id.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        &self.0.event_id
    }

    /// The room's id; for a create event of version 12 the one that its hash gives.
    #[must_use]
    pub fn room_id(&self) -> &RoomId {
        &self.0.room_id
    }

    /// Who sent the event.
    #[must_use]
    pub fn sender(&self) -> &UserId {
        &self.0.sender
    }

    /// The event's type.
    #[must_use]
    pub fn event_type(&self) -> &TimelineEventType {
        &self.0.event_type
    }

    /// The event's content: a JSON object in canonical form.
    #[must_use]
    pub fn content(&self) -> &RawValue {
        &self.0.content
    }

    /// Reads the event's content as a type.
    ///
    /// # Errors
    /// [`EventError::Json`] when it is not of that type.
    pub fn content_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, EventError> {
        Ok(serde_json::from_str(self.0.content.get())?)
    }

    /// The state key; `None` for events that aren't state.
    #[must_use]
    pub fn state_key(&self) -> Option<&str> {
        self.0.state_key.as_deref()
    }

    /// When the event was sent, by the clock of the sender's server.
    #[must_use]
    pub fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        self.0.origin_server_ts
    }

    /// The events just before this one.
    #[must_use]
    pub fn prev_events(&self) -> &[OwnedEventId] {
        &self.0.prev_events
    }

    /// The state events that allow this one.
    #[must_use]
    pub fn auth_events(&self) -> &[OwnedEventId] {
        &self.0.auth_events
    }

    /// One more than the greatest depth of the events before this one.
    #[must_use]
    pub fn depth(&self) -> UInt {
        self.0.depth
    }

    /// The event that this one redacts, from the place where the room version has it: the event
    /// itself up to version 10, its content since version 11.
    #[must_use]
    pub fn redacts(&self, rules: &RedactionRules) -> Option<&EventId> {
        if self.0.event_type != TimelineEventType::RoomRedaction {
            return None;
        }
        let redacts =
            if rules.content_field_redacts { &self.0.content_redacts } else { &self.0.redacts };
        redacts.as_deref()
    }

    /// The state event that this one took the place of, if the server noted it.
    ///
    /// Its content is not copied into this event: it would outlive its redaction. Hand the event
    /// to [`ClientEvent::previous`](crate::ClientEvent::previous) when serving this one.
    #[must_use]
    pub fn replaces_state(&self) -> Option<&EventId> {
        self.0.replaces_state.as_deref()
    }

    /// For how long the event sticks (MSC4354); `None`: like most events, not at all.
    #[must_use]
    pub fn sticky(&self) -> Option<StickyDurationMs> {
        self.0.sticky
    }

    /// Until when the event sticks, in milliseconds since the Unix epoch, for a server that received
    /// it at `received_ms`: a clock that is ahead gives no more time.
    #[must_use]
    pub fn sticky_until_ms(&self, received_ms: u64) -> Option<u64> {
        let sent_ms = u64::from(self.0.origin_server_ts.0);
        Some(sent_ms.min(received_ms) + u64::from(self.0.sticky?.get()))
    }

    /// Whether the authorisation rules rejected the event.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.0.rejected
    }

    /// The event, marked as rejected by the authorisation rules or not.
    #[must_use]
    pub fn with_rejected(self, rejected: bool) -> Self {
        if self.0.rejected == rejected {
            return self;
        }
        let fields = Arc::try_unwrap(self.0).unwrap_or_else(|shared| (*shared).clone());
        Self::from_fields(Fields { rejected, ..fields })
    }

    /// Whether the event is the room's create event.
    #[must_use]
    pub fn is_create(&self) -> bool {
        self.0.event_type == TimelineEventType::RoomCreate && self.state_key() == Some("")
    }

    /// The event as canonical JSON with signatures, as it is to be stored.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0.json
    }

    /// The event as other servers get it: canonical JSON without `unsigned`.
    #[must_use]
    pub fn federation_json(&self) -> Box<RawValue> {
        const INVARIANT: &str = "a stored event is a JSON object";
        if self.0.replaces_state.is_none() {
            return RawValue::from_string(self.0.json.to_string()).expect(INVARIANT);
        }
        let mut fields: std::collections::BTreeMap<Cow<'_, str>, &RawValue> =
            serde_json::from_str(&self.0.json).expect(INVARIANT);
        fields.remove("unsigned");
        serde_json::value::to_raw_value(&fields).expect(INVARIANT)
    }

    /// The event's reference hash as unpadded base64: what events of versions 1 and 2 say beside its
    /// id when they name it. A redacted event has the hash that it had before
    /// ([specification][spec]).
    ///
    /// # Errors
    /// [`EventError::Json`] when the stored JSON is damaged.
    ///
    /// [spec]: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event
    pub fn reference_hash(&self, rules: &RedactionRules) -> Result<String, EventError> {
        let signed_part = signed_part(&canonical_object(self.json())?, rules)?;
        Ok(STANDARD_NO_PAD.encode(Sha256::digest(signed_part.as_bytes())))
    }

    /// See [`Fields::sync_fields`].
    pub(crate) fn sync_fields(&self, make: impl FnOnce() -> Box<str>) -> &str {
        self.0.sync_fields.get_or_init(make)
    }

    pub(crate) fn redacts_anywhere(&self) -> (Option<&EventId>, Option<&EventId>) {
        (self.0.redacts.as_deref(), self.0.content_redacts.as_deref())
    }
}

/// What a signature and the reference hash cover: the redacted event without `signatures` and
/// `unsigned`.
pub(crate) fn signed_part(
    object: &CanonicalJsonObject,
    rules: &RedactionRules,
) -> Result<String, EventError> {
    Ok(RedactingSerializer::new()
        .rules(rules)
        .custom_redacted_root_fields(FIELDS_NOT_SIGNED)
        .serialize(object)?)
}

/// `$` and the reference hash ([specification][spec]).
///
/// [spec]: https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event
pub(crate) fn event_id_of_signed_part(
    signed_part: &str,
    format: EventIdFormatVersion,
) -> OwnedEventId {
    let digest = Sha256::digest(signed_part.as_bytes());
    // In version 3 alone the base64 alphabet is the one with slashes.
    let hash = match format {
        EventIdFormatVersion::V2 => STANDARD_NO_PAD.encode(digest),
        _ => URL_SAFE_NO_PAD.encode(digest),
    };
    EventId::new_v2_or_v3(&hash).expect("an unpadded base64 SHA-256 hash makes an event id")
}

pub(crate) fn event_id_of(
    object: &CanonicalJsonObject,
    rules: &RoomVersionRules,
) -> Result<OwnedEventId, EventError> {
    // Up to version 2 the sender's server chooses the id.
    if rules.event_format.require_event_id {
        return own_event_id(object);
    }
    let signed_part = signed_part(object, &rules.redaction)?;
    Ok(event_id_of_signed_part(&signed_part, rules.event_id_format))
}

/// The id that an event of version 1 or 2 says it has: chosen by a server, which it names.
pub(crate) fn own_event_id(object: &CanonicalJsonObject) -> Result<OwnedEventId, EventError> {
    let event_id = required_string(object, "event_id")?;
    let invalid = |source| EventError::Identifier { field: "event_id", source };
    let event_id = OwnedEventId::try_from(event_id).map_err(invalid)?;
    if event_id.server_name().is_none() {
        return Err(EventError::WrongType {
            field: "event_id",
            expected: "an event id that ends with a server's name in this room version",
        });
    }
    Ok(event_id)
}

/// Whether events name others by pairs of an id and hashes, not by the id alone.
pub(crate) fn references_are_pairs(rules: &RoomVersionRules) -> bool {
    rules.events_reference_format == EventsReferenceFormatVersion::V1
}

pub(crate) fn room_id_of_create_event(
    event_type: &TimelineEventType,
    event_id: &EventId,
) -> Result<OwnedRoomId, EventError> {
    // Only the create event of version 12 may lack a room id: its hash is the room's id.
    if *event_type != TimelineEventType::RoomCreate {
        return Err(EventError::MissingField { field: "room_id" });
    }
    let hash = event_id.as_str().trim_start_matches('$');
    RoomId::new_v2(hash).map_err(|source| EventError::Identifier { field: "room_id", source })
}

pub(crate) fn redacts_in_content(
    event_type: &TimelineEventType,
    content: &RawValue,
) -> Option<OwnedEventId> {
    if *event_type != TimelineEventType::RoomRedaction {
        return None;
    }
    let content: RedactionContent<'_> = serde_json::from_str(content.get()).ok()?;
    content.redacts.and_then(event_id_in)
}

fn event_id_in(value: &RawValue) -> Option<OwnedEventId> {
    serde_json::from_str(value.get()).ok()
}

impl state_res::Event for Pdu {
    type Id = OwnedEventId;

    fn event_id(&self) -> &OwnedEventId {
        &self.0.event_id
    }

    /// The room id that the event's JSON names: the authorisation rules of version 12 look at
    /// whether it does.
    fn room_id(&self) -> Option<&RoomId> {
        self.0.names_room.then_some(&*self.0.room_id)
    }

    fn sender(&self) -> &UserId {
        &self.0.sender
    }

    fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        self.0.origin_server_ts
    }

    fn event_type(&self) -> &TimelineEventType {
        &self.0.event_type
    }

    fn content(&self) -> &RawValue {
        &self.0.content
    }

    fn state_key(&self) -> Option<&str> {
        self.0.state_key.as_deref()
    }

    fn prev_events(&self) -> Box<dyn DoubleEndedIterator<Item = &OwnedEventId> + '_> {
        Box::new(self.0.prev_events.iter())
    }

    fn auth_events(&self) -> Box<dyn DoubleEndedIterator<Item = &OwnedEventId> + '_> {
        Box::new(self.0.auth_events.iter())
    }

    fn redacts(&self) -> Option<&OwnedEventId> {
        self.0.redacts.as_ref()
    }

    fn rejected(&self) -> bool {
        self.0.rejected
    }
}

impl PartialEq for Pdu {
    /// Events are equal when their id and their stored JSON are.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.event_id == other.0.event_id
                && self.0.rejected == other.0.rejected
                && self.0.json == other.0.json)
    }
}

impl Eq for Pdu {}

impl fmt::Debug for Pdu {
    /// Names the event without its content, so that logs don't hold messages.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pdu")
            .field("event_id", &self.0.event_id)
            .field("room_id", &self.0.room_id)
            .field("type", &self.0.event_type)
            .field("state_key", &self.0.state_key)
            .field("sender", &self.0.sender)
            .finish_non_exhaustive()
    }
}
