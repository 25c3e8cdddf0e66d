use std::collections::BTreeSet;

use ruma::{
    CanonicalJsonObject, EventId, OwnedEventId, OwnedServerName,
    room_version_rules::RoomVersionRules,
    signatures::{
        self, PublicKeyMap, VerificationError, Verified, required_server_signatures_to_verify_event,
    },
};

use crate::{
    EventError, Pdu, canonical_object, canonical_string,
    limits::{check_format, check_size},
    pdu::event_id_of,
    redact_object,
};

/// An event that another server sent: its format is checked, its signatures not yet.
///
/// The first of the [checks on receipt][spec]: whoever holds one knows its id (to see whether the
/// event is known already) and which servers' keys [`IncomingPdu::verify`] needs.
///
/// [spec]: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
#[derive(Clone, Debug)]
pub struct IncomingPdu {
    event_id: OwnedEventId,
    object: CanonicalJsonObject,
    rules: &'static RoomVersionRules,
}

/// An event from another server whose signatures are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The event.
    pub pdu: Pdu,
    /// Whether the event's content didn't match its hash, so that it was redacted.
    pub redacted: bool,
}

impl IncomingPdu {
    /// Reads an event and computes its id. `unsigned` is dropped: its sender can't vouch for it.
    ///
    /// # Errors
    /// When the event is malformed or exceeds a limit: it must be dropped.
    pub fn parse(json: &str, rules: &'static RoomVersionRules) -> Result<Self, EventError> {
        let mut object = canonical_object(json)?;
        object.remove("unsigned");
        check_format(&object, rules)?;
        check_size(canonical_string(&object).len())?;
        let event_id = event_id_of(&object, rules)?;
        Ok(Self { event_id, object, rules })
    }

    /// The event's id: its reference hash, since version 3.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        &self.event_id
    }

    /// The servers that must have signed the event: the sender's, and that of whoever authorised
    /// a restricted join.
    ///
    /// # Errors
    /// [`EventError::Signature`] when the event doesn't say.
    pub fn signing_servers(&self) -> Result<BTreeSet<OwnedServerName>, EventError> {
        required_server_signatures_to_verify_event(&self.object, &self.rules.signatures)
            .map_err(signature_error)
    }

    /// Verifies signatures and content hash. An event with good signatures whose content doesn't
    /// match its hash is redacted, because somebody on the way may have redacted it.
    ///
    /// `keys` holds, per server name, the public keys that were valid at the event's
    /// `origin_server_ts`.
    ///
    /// # Errors
    /// [`EventError::Signature`] when one of [`IncomingPdu::signing_servers`] didn't sign: the
    /// event must be dropped.
    pub fn verify(self, keys: &PublicKeyMap) -> Result<Received, EventError> {
        let Self { event_id, mut object, rules } = self;
        let verified = signatures::verify_event(keys, &object, rules).map_err(signature_error)?;
        let redacted = verified == Verified::Signatures;
        if redacted {
            redact_object(&mut object, &rules.redaction)?;
        }
        let pdu = Pdu::from_stored(event_id, canonical_string(&object))?;
        Ok(Received { pdu, redacted })
    }
}

fn signature_error(error: VerificationError) -> EventError {
    EventError::Signature(Box::new(error))
}
