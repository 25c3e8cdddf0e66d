//! What policy servers say of events: their signature
//! ([specification](https://spec.matrix.org/v1.19/server-server-api/#policy-servers)).

use ruma::{
    CanonicalJsonObject, CanonicalJsonValue,
    events::room::policy::{POLICY_SERVER_ED25519_SIGNING_KEY_ID, RoomPolicyEventContent},
    room_version_rules::RoomVersionRules,
    signatures,
};

use crate::{EventError, Pdu, canonical_object, canonical_string, limits::check_size};

impl Pdu {
    /// The event with the signature of its room's policy server beside the others.
    ///
    /// # Errors
    /// [`EventError::Signature`] if it isn't by the key that the room names, or not of this event;
    /// when the event becomes too large by it.
    pub fn with_policy_signature(
        &self,
        policy: &RoomPolicyEventContent,
        signature: &str,
        rules: &RoomVersionRules,
    ) -> Result<Self, EventError> {
        let mut object = canonical_object(self.json())?;
        let signatures = object
            .entry("signatures".to_owned())
            .or_insert_with(|| CanonicalJsonObject::new().into());
        let CanonicalJsonValue::Object(signatures) = signatures else {
            return Err(EventError::WrongType { field: "signatures", expected: "an object" });
        };
        // The policy server may be of the sender's own domain: that one's signature stays.
        let of_server = signatures
            .entry(policy.via.to_string())
            .or_insert_with(|| CanonicalJsonObject::new().into());
        if let CanonicalJsonValue::Object(of_server) = of_server {
            of_server.insert(POLICY_SERVER_ED25519_SIGNING_KEY_ID.to_owned(), signature.into());
        }
        signatures::verify_policy_server_signature(policy, &object, rules)
            .map_err(|error| EventError::Signature(Box::new(error)))?;
        let json = canonical_string(&object);
        check_size(json.len())?;
        Ok(Self::from_stored(self.event_id().to_owned(), json)?.with_rejected(self.is_rejected()))
    }
}
