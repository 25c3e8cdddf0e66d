//! Which fields of events a filter asks for (`event_fields`).

use ruma::serde::Raw;
use serde_json::{Map, Value};

/// What every event has to have, asked for or not; `state_key` tells state from messages.
const REQUIRED: [&str; 5] = ["event_id", "origin_server_ts", "sender", "state_key", "type"];

/// Reduces events to some of their fields, and those that every event has to have. A dot in a field's
/// path leads into an object; one after a backslash is part of a name.
pub(crate) fn keep<T>(
    fields: &[String],
    events: Vec<Raw<T>>,
) -> Result<Vec<Raw<T>>, serde_json::Error> {
    let mut paths: Vec<Vec<String>> = fields.iter().map(|field| path(field)).collect();
    paths.extend(REQUIRED.map(|field| vec![field.to_owned()]));
    // What is asked for twice, or lies within what comes whole, is copied once. In order, a path
    // comes right before those that begin with it.
    paths.sort_unstable();
    paths.dedup_by(|path, kept| path.starts_with(kept));
    let reduced = |event: Raw<T>| {
        let event: Map<String, Value> = serde_json::from_str(event.json().get())?;
        let mut kept = Map::new();
        for path in &paths {
            copy(&event, path, &mut kept);
        }
        kept.entry("content").or_insert_with(|| Map::new().into());
        Ok(Raw::from_json(serde_json::value::to_raw_value(&kept)?))
    };
    events.into_iter().map(reduced).collect()
}

fn path(field: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        let name = match character {
            '.' => {
                names.push(String::new());
                continue;
            }
            '\\' => characters.next(),
            other => Some(other),
        };
        if let (Some(last), Some(character)) = (names.last_mut(), name) {
            last.push(character);
        }
    }
    names
}

fn copy(from: &Map<String, Value>, path: &[String], to: &mut Map<String, Value>) {
    let Some((name, rest)) = path.split_first() else { return };
    let Some(value) = from.get(name) else { return };
    if rest.is_empty() {
        to.insert(name.clone(), value.clone());
        return;
    }
    let Value::Object(inner) = value else { return };
    let mut kept = match to.remove(name) {
        Some(Value::Object(kept)) => kept,
        _ => Map::new(),
    };
    copy(inner, rest, &mut kept);
    if !kept.is_empty() {
        to.insert(name.clone(), Value::Object(kept));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_fields_asked_for_are_left() {
        let event = json!({
            "type": "m.room.message",
            "sender": "@claire:pli.test",
            "content": { "body": "bonjour", "m.mentions": { "room": true }, "format": "x" },
            "unsigned": {},
        });
        let fields =
            ["type", "content.body", "content.m\\.mentions.room", "content.none", "nothing.x"];
        let kept = kept(&event, &fields);
        let expected = json!({
            "type": "m.room.message",
            "sender": "@claire:pli.test",
            "content": { "body": "bonjour", "m.mentions": { "room": true } },
        });
        assert_eq!(kept, Some(expected));
    }

    /// A field within one that comes whole must not take the rest of it away.
    #[test]
    fn fields_may_be_named_twice_and_within_each_other() {
        let event = json!({ "content": { "body": "bonjour", "a": { "b": 1, "c": 2 }, "a!": 3 } });
        let fields = ["content.a.b", "content.a!", "content.a", "content.a.b", "content.a.c.d"];
        let expected = json!({ "content": { "a": { "b": 1, "c": 2 }, "a!": 3 } });
        assert_eq!(kept(&event, &fields), Some(expected));
        assert_eq!(kept(&event, &["content.body", "content"]), Some(event));
    }

    fn kept(event: &Value, fields: &[&str]) -> Option<Value> {
        let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
        let event = serde_json::value::to_raw_value(event).unwrap_or_default();
        let kept = keep(&fields, vec![Raw::<()>::from_json(event)]).unwrap_or_default();
        kept.first().and_then(|kept| kept.deserialize_as_unchecked().ok())
    }
}
