//! What an event says of its relation to another one.

use ruma::{OwnedEventId, UserId, events::TimelineEventType};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};

use crate::event::RoomEvent;

/// The longest name of a kind of relation; longer ones are no relations.
const MAX_REL_TYPE_BYTES: usize = 255;

/// An event's relation to another one (`m.relates_to` with a `rel_type`;
/// [specification](https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) rel_type: String,
    /// The event that it refers to.
    pub(crate) parent: OwnedEventId,
    /// Of an annotation: what it says.
    pub(crate) key: Option<String>,
}

/// What makes two annotations of an event the same: sender, type and key.
pub(crate) fn annotation_hash(sender: &UserId, event_type: &str, key: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [sender.as_str(), event_type, key] {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

impl Relation {
    /// What a client is about to send says of its relation to another event.
    pub(crate) fn in_content(content: &RawValue) -> Option<Self> {
        #[derive(Deserialize)]
        struct Content {
            #[serde(rename = "m.relates_to")]
            relates_to: Option<Value>,
        }
        // Most events have none: that is seen without parsing. Clients may write the name in other
        // ways, which only makes more work.
        if !content.get().contains("relates_to") && !content.get().contains('\\') {
            return None;
        }
        let relates_to = serde_json::from_str::<Content>(content.get()).ok()?.relates_to?;
        let rel_type = relates_to.get("rel_type")?.as_str()?;
        let parent = relates_to.get("event_id")?.as_str()?;
        if rel_type.len() > MAX_REL_TYPE_BYTES {
            return None;
        }
        let parent = OwnedEventId::try_from(parent).ok()?;
        let key = relates_to.get("key").and_then(Value::as_str).map(ToOwned::to_owned);
        Some(Self { rel_type: rel_type.to_owned(), parent, key })
    }

    /// The relation of an event; none of what is malformed, since other servers' events may hold
    /// anything.
    pub(crate) fn of(event: &RoomEvent) -> Option<Self> {
        Self::in_content(event.pdu.content()).filter(|relation| relation.parent != event.event_id())
    }
}

/// Whether an event is an edit of another one that clients may show in its place
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#validity-of-replacement-events)).
pub(crate) fn is_valid_edit(original: &RoomEvent, edit: &RoomEvent) -> bool {
    #[derive(Deserialize)]
    struct Content {
        #[serde(rename = "m.new_content")]
        new_content: Option<Value>,
    }
    let is_alike = original.pdu.room_id() == edit.pdu.room_id()
        && original.pdu.sender() == edit.pdu.sender()
        && original.pdu.event_type() == edit.pdu.event_type();
    // State has its own way of being replaced, and an edit can't be edited.
    let is_original = original.pdu.state_key().is_none()
        && edit.pdu.state_key().is_none()
        && Relation::of(original).is_none_or(|relation| relation.rel_type != "m.replace");
    // What is encrypted says inside what the new content is.
    let has_content = || {
        *edit.pdu.event_type() == TimelineEventType::RoomEncrypted
            || edit
                .pdu
                .content_as::<Content>()
                .is_ok_and(|content| content.new_content.is_some_and(|new| new.is_object()))
    };
    is_alike && is_original && edit.redacted_by.is_none() && has_content()
}

/// Whether a thread can grow from an event: not from one that refers to another itself
/// ([specification](https://spec.matrix.org/v1.19/client-server-api/#validation-of-mthread-relationships)).
pub(crate) fn can_be_thread_root(event: &RoomEvent) -> bool {
    Relation::of(event).is_none()
}
