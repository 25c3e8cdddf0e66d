use std::{collections::BTreeMap, sync::OnceLock};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId,
    OwnedUserId, ServerName, UInt,
    canonical_json::RedactingSerializer,
    events::{TimelineEventType, sticky::StickyDurationMs},
    room_version_rules::RoomVersionRules,
    signatures::{self, KeyPair},
};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{
    EventError, Pdu, SigningKey,
    canonical::canonical_object_at,
    canonical_string,
    limits::{check_create_is_not_an_auth_event, check_length, check_references, check_size},
    pdu::{
        Fields, event_id_of_signed_part, own_event_id, redacts_in_content, references_are_pairs,
        room_id_of_create_event, signed_part,
    },
    sticky::{STICKY, sticky_object},
};

/// The fields that the content hash doesn't cover. While an event is built it has none of them.
const FIELDS_NOT_HASHED: &[&str] = &["hashes", "signatures", "unsigned"];

/// What a new event says, before it is hashed and signed.
#[derive(Clone, Debug)]
pub struct PduTemplate {
    /// The room; `None` for the create event of a version-12 room, whose id is that event's hash.
    pub room_id: Option<OwnedRoomId>,
    /// Who sends the event.
    pub sender: OwnedUserId,
    /// The event's type.
    pub event_type: TimelineEventType,
    /// The state key; `None` for an event that is not state.
    pub state_key: Option<String>,
    /// The content: a JSON object. It is brought to its canonical form.
    pub content: Box<RawValue>,
    /// What a redaction redacts. The room version says where in the event it goes.
    pub redacts: Option<OwnedEventId>,
    /// The events just before this one: the room's forward extremities.
    pub prev_events: Vec<OwnedEventId>,
    /// The state events that allow this one, see [`select_auth_events`](crate::select_auth_events).
    pub auth_events: Vec<OwnedEventId>,
    /// One more than the greatest depth of `prev_events`, at most [`MAX_DEPTH`](crate::MAX_DEPTH).
    pub depth: UInt,
    /// When the event was sent.
    pub origin_server_ts: MilliSecondsSinceUnixEpoch,
    /// The state event that this one takes the place of; kept in `unsigned`.
    pub replaces_state: Option<OwnedEventId>,
    /// For how long the event sticks, if it does (MSC4354).
    pub sticky: Option<StickyDurationMs>,
}

/// What events of versions 1 and 2 say besides, because their ids are not their hashes.
#[derive(Clone, Debug)]
pub struct EarlyFormat {
    /// The event's id: something unique, and the name of the sender's server.
    pub event_id: OwnedEventId,
    /// The reference hash of each of its `prev_events` and `auth_events`, see
    /// [`Pdu::reference_hash`].
    pub reference_hashes: BTreeMap<OwnedEventId, String>,
}

impl PduTemplate {
    /// Hashes and signs the event ([specification][spec]) and checks its size limits.
    ///
    /// # Errors
    /// When the content is not a JSON object with a canonical form, or a limit is exceeded.
    /// [`EventError::MissingField`] in versions 1 and 2, see [`PduTemplate::build_early`].
    ///
    /// [spec]: https://spec.matrix.org/v1.19/server-server-api/#signing-events
    pub fn build(
        self,
        rules: &RoomVersionRules,
        server_name: &ServerName,
        key: &SigningKey,
    ) -> Result<Pdu, EventError> {
        self.build_in_format(None, rules, server_name, key)
    }

    /// The same in room versions 1 and 2, whose events have ids of their own.
    ///
    /// # Errors
    /// As for [`PduTemplate::build`]; [`EventError::MissingField`] when the hash of an event that
    /// this one names is not among those given.
    pub fn build_early(
        self,
        early: &EarlyFormat,
        rules: &RoomVersionRules,
        server_name: &ServerName,
        key: &SigningKey,
    ) -> Result<Pdu, EventError> {
        self.build_in_format(Some(early), rules, server_name, key)
    }

    fn build_in_format(
        self,
        early: Option<&EarlyFormat>,
        rules: &RoomVersionRules,
        server_name: &ServerName,
        key: &SigningKey,
    ) -> Result<Pdu, EventError> {
        self.check_limits(rules)?;

        let mut content = canonical_object_at("content", self.content.get())?;
        if let Some(redacts) = &self.redacts
            && rules.redaction.content_field_redacts
        {
            content.insert("redacts".to_owned(), redacts.as_str().into());
        }
        let content_json = serde_json::value::to_raw_value(&content)?;
        let mut object = self.object(content, early, rules)?;

        let hashed_part = RedactingSerializer::new()
            .custom_redacted_root_fields(FIELDS_NOT_HASHED)
            .serialize(&object)?;
        let content_hash = STANDARD_NO_PAD.encode(Sha256::digest(hashed_part.as_bytes()));
        insert_nested(&mut object, "hashes", [("sha256".to_owned(), content_hash.into())]);

        // The signature and the event id cover the same bytes.
        let signed_part = signed_part(&object, &rules.redaction)?;
        let event_id = if rules.event_format.require_event_id {
            own_event_id(&object)?
        } else {
            event_id_of_signed_part(&signed_part, rules.event_id_format)
        };
        let signature = key.sign(signed_part.as_bytes()).base64();
        let own_signatures =
            CanonicalJsonObject::from([(key.key_id().as_str().to_owned(), signature.into())]);
        insert_nested(
            &mut object,
            "signatures",
            [(server_name.as_str().to_owned(), own_signatures.into())],
        );
        let mut json = canonical_string(&object);
        check_size(json.len())?;

        if let Some(replaces_state) = &self.replaces_state {
            let replaces_state = CanonicalJsonValue::from(replaces_state.as_str());
            insert_nested(&mut object, "unsigned", [("replaces_state".to_owned(), replaces_state)]);
            json = canonical_string(&object);
        }

        let names_room = self.room_id.is_some();
        let room_id = match self.room_id {
            Some(room_id) => room_id,
            None => room_id_of_create_event(&self.event_type, &event_id)?,
        };
        let content_redacts = redacts_in_content(&self.event_type, &content_json);
        Ok(Pdu::from_fields(Fields {
            event_id,
            room_id,
            names_room,
            sender: self.sender,
            event_type: self.event_type,
            content: content_json,
            state_key: self.state_key.map(Into::into),
            origin_server_ts: self.origin_server_ts,
            prev_events: self.prev_events,
            auth_events: self.auth_events,
            depth: self.depth,
            redacts: self.redacts.filter(|_| !rules.redaction.content_field_redacts),
            content_redacts,
            replaces_state: self.replaces_state,
            sticky: self.sticky,
            rejected: false,
            json: json.into(),
            sync_fields: OnceLock::new(),
        }))
    }

    fn check_limits(&self, rules: &RoomVersionRules) -> Result<(), EventError> {
        check_length("type", &self.event_type.to_string())?;
        check_length("sender", self.sender.as_str())?;
        if let Some(state_key) = &self.state_key {
            check_length("state_key", state_key)?;
        }
        check_references(self.prev_events.len(), self.auth_events.len())?;

        let is_create = self.event_type == TimelineEventType::RoomCreate;
        match &self.room_id {
            Some(_) if is_create && !rules.event_format.require_room_create_room_id => {
                Err(EventError::UnexpectedField {
                    field: "room_id",
                    reason: "the create event's hash is the room id in this room version",
                })
            }
            Some(room_id) => {
                check_length("room_id", room_id.as_str())?;
                let auth_events = self.auth_events.iter().map(|event_id| event_id.as_str());
                check_create_is_not_an_auth_event(room_id, auth_events, &rules.event_format)
            }
            None if is_create && !rules.event_format.require_room_create_room_id => Ok(()),
            None => Err(EventError::MissingField { field: "room_id" }),
        }
    }

    /// The event without hashes and signatures.
    fn object(
        &self,
        content: CanonicalJsonObject,
        early: Option<&EarlyFormat>,
        rules: &RoomVersionRules,
    ) -> Result<CanonicalJsonObject, EventError> {
        let hashes = references_are_pairs(rules).then_some(early).flatten();
        let reference = |event_id: &OwnedEventId| -> Result<CanonicalJsonValue, EventError> {
            let id = CanonicalJsonValue::from(event_id.as_str());
            let Some(early) = hashes else { return Ok(id) };
            let hash = early
                .reference_hashes
                .get(event_id)
                .ok_or(EventError::MissingField { field: "sha256" })?;
            let hash = CanonicalJsonValue::from(hash.as_str());
            let hashes = CanonicalJsonObject::from([("sha256".to_owned(), hash)]);
            Ok(CanonicalJsonValue::Array(vec![id, hashes.into()]))
        };
        let references = |event_ids: &[OwnedEventId]| -> Result<CanonicalJsonValue, EventError> {
            let references: Result<Vec<_>, _> = event_ids.iter().map(reference).collect();
            references.map(CanonicalJsonValue::Array)
        };
        let mut object = CanonicalJsonObject::from([
            ("auth_events".to_owned(), references(&self.auth_events)?),
            ("content".to_owned(), content.into()),
            ("depth".to_owned(), self.depth.into()),
            ("origin_server_ts".to_owned(), self.origin_server_ts.0.into()),
            ("prev_events".to_owned(), references(&self.prev_events)?),
            ("sender".to_owned(), self.sender.as_str().into()),
            ("type".to_owned(), self.event_type.to_string().into()),
        ]);
        if let Some(early) = early.filter(|_| rules.event_format.require_event_id) {
            object.insert("event_id".to_owned(), early.event_id.as_str().into());
        }
        if let Some(room_id) = &self.room_id {
            object.insert("room_id".to_owned(), room_id.as_str().into());
        }
        if let Some(state_key) = &self.state_key {
            object.insert("state_key".to_owned(), state_key.as_str().into());
        }
        if let Some(duration) = self.sticky {
            object.insert(STICKY.to_owned(), sticky_object(duration).into());
        }
        if let Some(redacts) = &self.redacts
            && !rules.redaction.content_field_redacts
        {
            object.insert("redacts".to_owned(), redacts.as_str().into());
        }
        Ok(object)
    }
}

fn insert_nested<const N: usize>(
    object: &mut CanonicalJsonObject,
    field: &str,
    entries: [(String, CanonicalJsonValue); N],
) {
    object.insert(field.to_owned(), CanonicalJsonObject::from(entries).into());
}

/// Adds the content hash and this server's signature to an event given as canonical JSON, such as
/// the one that another server proposes for a join.
///
/// Check every field of a proposed event first: what is signed here speaks for this server.
///
/// # Errors
/// When the event has no `type`, its `content`, `hashes` or `signatures` are not objects, or it is
/// too large.
pub fn hash_and_sign_event(
    event: &mut CanonicalJsonObject,
    rules: &RoomVersionRules,
    server_name: &ServerName,
    key: &SigningKey,
) -> Result<(), EventError> {
    signatures::hash_and_sign_event(server_name.as_str(), key, event, &rules.redaction)?;
    Ok(())
}
