//! The size limits and the shape of events ([specification][spec]).
//!
//! [spec]: https://spec.matrix.org/v1.19/client-server-api/#size-limits

use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, RoomId, UInt, UserId,
    room_version_rules::{EventFormatRules, RoomVersionRules},
};

use crate::{
    EventError,
    pdu::{own_event_id, references_are_pairs},
};

/// How many bytes an event may have as canonical JSON, with signatures, without `unsigned`.
pub const MAX_PDU_BYTES: usize = 65_535;

/// How many bytes `sender`, `room_id`, `state_key`, `type` and event ids may have.
pub const MAX_FIELD_BYTES: usize = 255;

/// How many `prev_events` an event may have.
pub const MAX_PREV_EVENTS: usize = 20;

/// How many `auth_events` an event may have.
pub const MAX_AUTH_EVENTS: usize = 10;

/// The greatest depth: events after one at this depth have it too.
pub const MAX_DEPTH: UInt = UInt::MAX;

pub(crate) fn check_size(size: usize) -> Result<(), EventError> {
    // The complete event must not be larger than 65,535 bytes.
    if size > MAX_PDU_BYTES {
        return Err(EventError::TooLarge { size });
    }
    Ok(())
}

pub(crate) fn check_length(field: &'static str, value: &str) -> Result<(), EventError> {
    // sender, room_id, state_key, type and event_id must not exceed 255 bytes.
    if value.len() > MAX_FIELD_BYTES {
        return Err(EventError::FieldTooLong { field, size: value.len() });
    }
    Ok(())
}

pub(crate) fn check_references(prev_events: usize, auth_events: usize) -> Result<(), EventError> {
    for (field, count, limit) in [
        ("prev_events", prev_events, MAX_PREV_EVENTS),
        ("auth_events", auth_events, MAX_AUTH_EVENTS),
    ] {
        if count > limit {
            return Err(EventError::TooManyReferences { field, count, limit });
        }
    }
    Ok(())
}

pub(crate) fn check_create_is_not_an_auth_event<'a>(
    room_id: &RoomId,
    mut auth_events: impl Iterator<Item = &'a str>,
    rules: &EventFormatRules,
) -> Result<(), EventError> {
    // Since version 12 the room id says which event created the room, so that event isn't listed.
    if rules.allow_room_create_in_auth_events {
        return Ok(());
    }
    let create_event_hash = room_id.strip_sigil();
    if auth_events.any(|event_id| event_id.strip_prefix('$') == Some(create_event_hash)) {
        return Err(EventError::UnexpectedField {
            field: "auth_events",
            reason: "it may not name the create event in this room version",
        });
    }
    Ok(())
}

/// Checks the shape of an event from elsewhere: required fields, types, lengths.
pub(crate) fn check_format(
    event: &CanonicalJsonObject,
    room_version_rules: &RoomVersionRules,
) -> Result<(), EventError> {
    let rules = &room_version_rules.event_format;
    let event_type = required_string(event, "type")?;
    let sender = required_string(event, "sender")?;
    <&UserId>::try_from(sender)
        .map_err(|source| EventError::Identifier { field: "sender", source })?;

    let is_create = event_type == "m.room.create";
    let room_id = match optional_string(event, "room_id")? {
        Some(room_id) => Some(
            <&RoomId>::try_from(room_id)
                .map_err(|source| EventError::Identifier { field: "room_id", source })?,
        ),
        // Since version 12 a create event has no room id: its own hash is the room's id.
        None if is_create && !rules.require_room_create_room_id => None,
        None => return Err(EventError::MissingField { field: "room_id" }),
    };
    if is_create && !rules.require_room_create_room_id && room_id.is_some() {
        return Err(EventError::UnexpectedField {
            field: "room_id",
            reason: "the create event's hash is the room id in this room version",
        });
    }
    optional_string(event, "state_key")?;
    if rules.require_event_id {
        own_event_id(event)?;
    }

    match event.get("content") {
        Some(CanonicalJsonValue::Object(_)) => {}
        Some(_) => return Err(EventError::NotAnObject { path: "content" }),
        None => return Err(EventError::MissingField { field: "content" }),
    }

    let are_pairs = references_are_pairs(room_version_rules);
    let prev_events = required_event_ids(event, "prev_events", are_pairs)?;
    let auth_events = required_event_ids(event, "auth_events", are_pairs)?;
    check_references(prev_events.len(), auth_events.len())?;
    if let Some(room_id) = room_id {
        check_create_is_not_an_auth_event(room_id, auth_events.into_iter(), rules)?;
    }

    required_unsigned(event, "depth")?.ok_or(EventError::Depth)?;
    required_unsigned(event, "origin_server_ts")?.ok_or(EventError::WrongType {
        field: "origin_server_ts",
        expected: "milliseconds since the Unix epoch",
    })?;
    Ok(())
}

fn optional_string<'a>(
    event: &'a CanonicalJsonObject,
    field: &'static str,
) -> Result<Option<&'a str>, EventError> {
    match event.get(field) {
        Some(CanonicalJsonValue::String(value)) => {
            check_length(field, value)?;
            Ok(Some(value))
        }
        Some(_) => Err(EventError::WrongType { field, expected: "a string" }),
        None => Ok(None),
    }
}

pub(crate) fn required_string<'a>(
    event: &'a CanonicalJsonObject,
    field: &'static str,
) -> Result<&'a str, EventError> {
    optional_string(event, field)?.ok_or(EventError::MissingField { field })
}

fn required_event_ids<'a>(
    event: &'a CanonicalJsonObject,
    field: &'static str,
    are_pairs: bool,
) -> Result<Vec<&'a str>, EventError> {
    let references = match event.get(field) {
        Some(CanonicalJsonValue::Array(references)) => references,
        Some(_) => return Err(EventError::WrongType { field, expected: "an array of event ids" }),
        None => return Err(EventError::MissingField { field }),
    };
    let expected =
        if are_pairs { "an array of event ids with hashes" } else { "an array of event ids" };
    let event_id_in = |reference: &'a CanonicalJsonValue| {
        let event_id = if are_pairs { id_of_pair(reference) } else { reference.as_str() };
        let event_id = event_id.ok_or(EventError::WrongType { field, expected })?;
        <&EventId>::try_from(event_id)
            .map_err(|source| EventError::Identifier { field, source })?;
        Ok(event_id)
    };
    references.iter().map(event_id_in).collect()
}

/// The id of `[event id, {"sha256": hash}]`.
fn id_of_pair(pair: &CanonicalJsonValue) -> Option<&str> {
    match pair {
        CanonicalJsonValue::Array(pair) => match &pair[..] {
            [event_id, CanonicalJsonValue::Object(_)] => event_id.as_str(),
            _ => None,
        },
        _ => None,
    }
}

/// The field as a non-negative integer; `None` if it is negative.
fn required_unsigned(
    event: &CanonicalJsonObject,
    field: &'static str,
) -> Result<Option<UInt>, EventError> {
    match event.get(field) {
        Some(CanonicalJsonValue::Integer(value)) => Ok(UInt::try_from(i64::from(*value)).ok()),
        Some(_) => Err(EventError::WrongType { field, expected: "an integer" }),
        None => Err(EventError::MissingField { field }),
    }
}
