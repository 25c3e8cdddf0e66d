use pli_events::Pdu;
use pli_store::Stamp;
use quick_cache::Weighter;
use ruma::{EventId, OwnedEventId, UserId, events::TimelineEventType};

use crate::{
    error::RoomError,
    rows::{Related, SenderTransaction, StoredEvent},
    state::StateRoot,
};

/// An event together with what this server knows about it.
#[derive(Clone, Debug)]
pub struct RoomEvent {
    /// The event; its redacted form once it is redacted.
    pub pdu: Pdu,
    /// Its place on the room's timeline; `None` for outliers.
    pub stamp: Option<Stamp>,
    /// The room's state before the event, according to its `prev_events`.
    pub state_before: StateRoot,
    /// What this server took for the room's state once it had appended the event.
    pub room_state: StateRoot,
    /// It was allowed where it was sent but not any more when it arrived.
    pub soft_failed: bool,
    /// The event that redacted it.
    pub redacted_by: Option<OwnedEventId>,
    /// The device that sent it and its transaction id, for events of this server's clients.
    pub transaction: Option<SenderTransaction>,
    /// What refers to it.
    pub related: Related,
}

impl RoomEvent {
    pub(crate) fn new(pdu: Pdu, state_before: StateRoot, room_state: StateRoot) -> Self {
        Self {
            pdu,
            stamp: None,
            state_before,
            room_state,
            soft_failed: false,
            redacted_by: None,
            transaction: None,
            related: Related::default(),
        }
    }

    pub(crate) fn read(stored: StoredEvent, stamp: Option<Stamp>) -> Result<Self, RoomError> {
        let pdu = Pdu::from_stored(stored.event_id, stored.json)?.with_rejected(stored.rejected);
        Ok(Self {
            pdu,
            stamp,
            state_before: stored.state_before,
            room_state: stored.room_state,
            soft_failed: stored.soft_failed,
            redacted_by: stored.redacted_by,
            transaction: stored.transaction,
            related: stored.related,
        })
    }

    pub(crate) fn to_stored(&self) -> StoredEvent {
        StoredEvent {
            event_id: self.pdu.event_id().to_owned(),
            json: self.pdu.json().to_owned(),
            state_before: self.state_before,
            room_state: self.room_state,
            rejected: self.pdu.is_rejected(),
            soft_failed: self.soft_failed,
            redacted_by: self.redacted_by.clone(),
            transaction: self.transaction.clone(),
            related: self.related,
        }
    }

    /// The event's id.
    #[must_use]
    pub fn event_id(&self) -> &EventId {
        self.pdu.event_id()
    }

    /// Whether no client may see the event, whoever asks: it was rejected or soft-failed.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.pdu.is_rejected() || self.soft_failed
    }

    /// About how many bytes the event takes in memory.
    pub(crate) fn weight(&self) -> usize {
        let parsed_fields = 768;
        let json_content_and_sync_fields = 3 * self.pdu.json().len();
        parsed_fields + json_content_and_sync_fields
    }

    /// Whether this is the membership event of a user.
    #[must_use]
    pub fn is_member_event_of(&self, user_id: &UserId) -> bool {
        *self.pdu.event_type() == TimelineEventType::RoomMember
            && self.pdu.state_key() == Some(user_id.as_str())
    }
}

#[derive(Clone)]
pub(crate) struct EventWeight;

impl Weighter<OwnedEventId, std::sync::Arc<RoomEvent>> for EventWeight {
    fn weight(&self, _event_id: &OwnedEventId, event: &std::sync::Arc<RoomEvent>) -> u64 {
        u64::try_from(event.weight()).unwrap_or(u64::MAX)
    }
}
