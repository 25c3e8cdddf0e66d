use ruma::{CanonicalJsonObject, canonical_json, room_version_rules::RedactionRules};

use crate::{EventError, Pdu, canonical_object, canonical_string};

/// Removes from an event what its room version doesn't keep of a redacted event
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#redactions)).
///
/// # Errors
/// [`EventError::Content`] when the event has no `type`, or a `content` that is not an object.
pub fn redact_object(
    event: &mut CanonicalJsonObject,
    rules: &RedactionRules,
) -> Result<(), EventError> {
    canonical_json::redact_in_place(event, rules, None)?;
    Ok(())
}

impl Pdu {
    /// The event as it is once redacted: the same id, only the protected fields.
    ///
    /// Redacting twice is redacting once. The copy serves clients and other servers alike; say
    /// which event redacted it with [`ClientEvent::redacted_because`](crate::ClientEvent).
    ///
    /// # Errors
    /// When the stored JSON is damaged.
    pub fn redacted(&self, rules: &RedactionRules) -> Result<Self, EventError> {
        let mut object = canonical_object(self.json())?;
        redact_object(&mut object, rules)?;
        let redacted = Self::from_stored(self.event_id().to_owned(), canonical_string(&object))?;
        Ok(redacted.with_rejected(self.is_rejected()))
    }
}
