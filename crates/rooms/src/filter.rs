//! Filters of events (client-server API, section "Filtering"), for sync, messages, context and
//! search alike.

use ruma::{
    RoomId, UserId,
    api::client::filter::{Filter, RoomEventFilter, UrlFilter},
};
use serde::Deserialize;

use crate::{RoomEvent, relation::Relation};

/// Whether a filter lets an event of a room through.
#[must_use]
pub fn matches(filter: &RoomEventFilter, room_id: &RoomId, event: &RoomEvent) -> bool {
    matches_room(filter, room_id)
        && (is_open(filter)
            || matches_type(
                filter.types.as_deref(),
                &filter.not_types,
                &event.pdu.event_type().to_string(),
            ))
        && matches_sender(filter.senders.as_deref(), &filter.not_senders, event.pdu.sender())
        && filter
            .url_filter
            .as_ref()
            .is_none_or(|url| matches!(url, UrlFilter::EventsWithUrl) == has_url(event))
}

/// Which relations to other events a filter asks for (MSC3874). Ruma's filters don't know them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RelationFilter {
    rel_types: Option<Vec<String>>,
    not_rel_types: Option<Vec<String>>,
    #[serde(rename = "org.matrix.msc3874.rel_types")]
    unstable_rel_types: Option<Vec<String>>,
    #[serde(rename = "org.matrix.msc3874.not_rel_types")]
    unstable_not_rel_types: Option<Vec<String>>,
}

impl RelationFilter {
    /// What a filter in JSON says of relations.
    ///
    /// # Errors
    /// When it is not of the form of a filter.
    pub fn from_json(filter: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(filter)
    }

    /// Whether the filter lets an event through. Only one that relates to another can be asked for;
    /// an exclusion lets those through that relate to none.
    #[must_use]
    pub fn matches(&self, event: &RoomEvent) -> bool {
        let included = self.rel_types.as_ref().or(self.unstable_rel_types.as_ref());
        let excluded = self.not_rel_types.as_ref().or(self.unstable_not_rel_types.as_ref());
        if included.is_none() && excluded.is_none() {
            return true;
        }
        let relation = Relation::of(event);
        let is_in = |rel_types: &Vec<String>| {
            relation.as_ref().is_some_and(|relation| rel_types.contains(&relation.rel_type))
        };
        included.is_none_or(is_in) && !excluded.is_some_and(is_in)
    }
}

/// Whether a filter lets anything of a room through.
#[must_use]
pub fn matches_room(filter: &RoomEventFilter, room_id: &RoomId) -> bool {
    // An exclusion wins over an inclusion.
    !filter.not_rooms.iter().any(|excluded| excluded == room_id)
        && filter.rooms.as_ref().is_none_or(|rooms| rooms.iter().any(|room| room == room_id))
}

/// Whether a filter lets events of this type and sender through, for what isn't an event of a room's
/// timeline (receipts, account data).
#[must_use]
pub fn matches_other(filter: &RoomEventFilter, room_id: &RoomId, event_type: &str) -> bool {
    matches_room(filter, room_id)
        && matches_type(filter.types.as_deref(), &filter.not_types, event_type)
}

/// Whether a filter lets global events (account data) of this type through.
#[must_use]
pub fn matches_global(filter: &Filter, event_type: &str) -> bool {
    matches_type(filter.types.as_deref(), &filter.not_types, event_type)
}

/// Whether a filter says nothing of types.
fn is_open(filter: &RoomEventFilter) -> bool {
    filter.types.is_none() && filter.not_types.is_empty()
}

fn matches_type(included: Option<&[String]>, excluded: &[String], event_type: &str) -> bool {
    !excluded.iter().any(|pattern| matches_pattern(pattern, event_type))
        && included.is_none_or(|included| {
            included.iter().any(|pattern| matches_pattern(pattern, event_type))
        })
}

fn matches_sender(
    included: Option<&[ruma::OwnedUserId]>,
    excluded: &[ruma::OwnedUserId],
    sender: &UserId,
) -> bool {
    !excluded.iter().any(|user_id| user_id == sender)
        && included.is_none_or(|included| included.iter().any(|user_id| user_id == sender))
}

/// `*` in a pattern stands for any number of characters.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(found) => rest = &rest[found + part.len()..],
            None => return false,
        }
    }
    true
}

fn has_url(event: &RoomEvent) -> bool {
    #[derive(Deserialize)]
    struct Content {
        url: Option<serde::de::IgnoredAny>,
    }
    event.pdu.content_as::<Content>().is_ok_and(|content| content.url.is_some())
}

#[cfg(test)]
mod tests {
    use super::matches_pattern;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches_pattern("m.room.message", "m.room.message"));
        assert!(!matches_pattern("m.room.message", "m.room.messages"));
        assert!(matches_pattern("*", "m.room.message"));
        assert!(matches_pattern("m.*", "m.room.message"));
        assert!(matches_pattern("*.message", "m.room.message"));
        assert!(matches_pattern("m.*.me*ge", "m.room.message"));
        assert!(!matches_pattern("m.*.call", "m.room.message"));
        assert!(!matches_pattern("", "m.room.message"));
    }
}
