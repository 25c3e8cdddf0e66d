//! Filters of events (client-server API, section "Filtering"), for sync, messages, context and
//! search alike.

use pli_accounts::filters::RelationFilter;
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

/// Whether a filter of relations lets an event through (MSC3874).
#[must_use]
pub fn matches_relation(filter: &RelationFilter, event: &RoomEvent) -> bool {
    if filter.is_open() {
        return true;
    }
    let relation = Relation::of(event);
    filter.allows(relation.as_ref().map(|relation| relation.rel_type.as_str()))
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
