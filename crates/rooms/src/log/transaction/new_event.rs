use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedUserId, UserId,
    events::{TimelineEventType, sticky::StickyDurationMs},
};
use serde_json::value::RawValue;

/// An event that somebody wants to append, before it has a place.
#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) sender: OwnedUserId,
    pub(crate) event_type: TimelineEventType,
    pub(crate) state_key: Option<String>,
    pub(crate) content: Box<RawValue>,
    pub(crate) redacts: Option<OwnedEventId>,
    /// When it was sent; now, if the sender doesn't say.
    pub(crate) timestamp: Option<MilliSecondsSinceUnixEpoch>,
    /// For how long it sticks, if it does.
    pub(crate) sticky: Option<StickyDurationMs>,
}

impl NewEvent {
    pub(crate) fn state(
        sender: &UserId,
        event_type: TimelineEventType,
        state_key: impl Into<String>,
        content: Box<RawValue>,
    ) -> Self {
        Self {
            sender: sender.to_owned(),
            event_type,
            state_key: Some(state_key.into()),
            content,
            redacts: None,
            timestamp: None,
            sticky: None,
        }
    }
}
