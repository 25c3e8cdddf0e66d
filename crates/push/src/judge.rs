//! What push rules say of an event.

use std::sync::Arc;

use pli_rooms::RoomEvent;
use quick_cache::sync::Cache;
use ruma::{
    OwnedEventId,
    push::{Action, FlattenedJson, PushConditionRoomCtx, Ruleset},
    serde::Raw,
};
use serde::de::IgnoredAny;

use crate::power::may_mention_room;

/// How many events are kept in the form that rules are applied to. They are judged for all members
/// of their room at about the same time.
const KEPT: usize = 512;

/// An event in the form that rules are applied to.
pub(crate) struct Judgeable {
    event: FlattenedJson,
    may_mention_room: bool,
}

impl Judgeable {
    /// `None` if the event is not JSON.
    fn new(event: &RoomEvent) -> Option<Self> {
        let raw: Raw<IgnoredAny> = Raw::from_json_string(event.pdu.json().to_owned()).ok()?;
        let may_mention_room = may_mention_room(event);
        Some(Self { event: FlattenedJson::from_raw(&raw), may_mention_room })
    }

    /// Whether rules may ask who may notify the room.
    pub(crate) fn may_mention_room(&self) -> bool {
        self.may_mention_room
    }

    /// What the first rule that applies says; `None` if none does. Not for the user's own events.
    pub(crate) async fn actions<'r>(
        &self,
        rules: &'r Ruleset,
        context: &PushConditionRoomCtx,
    ) -> Option<&'r [Action]> {
        for rule in rules {
            if rule.applies(&self.event, context).await {
                return Some(rule.actions());
            }
        }
        None
    }
}

/// The events that were judged last. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Judgeables(Arc<Cache<OwnedEventId, Arc<Judgeable>>>);

impl Judgeables {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::new(KEPT)))
    }

    /// An event, which is not redacted, in the form that rules are applied to.
    pub(crate) fn of(&self, event: &RoomEvent) -> Option<Arc<Judgeable>> {
        if let Some(known) = self.0.get(event.event_id()) {
            return Some(known);
        }
        let judgeable = Arc::new(Judgeable::new(event)?);
        self.0.insert(event.event_id().to_owned(), Arc::clone(&judgeable));
        Some(judgeable)
    }
}
