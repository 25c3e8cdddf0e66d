//! If these fail, this server sends events that others drop, or takes in what nobody else does.

use pli_events::{EventError, MAX_PDU_BYTES, Pdu, canonical_object};
use ruma::{OwnedRoomId, OwnedUserId, state_res::check_pdu_format};
use serde_json::{Value, json};

use crate::fixtures::{build, content, event_id, key, message, rules, server, state};

fn error(template: pli_events::PduTemplate) -> EventError {
    template.build(rules("11"), server(), &key()).unwrap_err()
}

/// A message whose body has `length` letters.
fn of_length(length: usize) -> pli_events::PduTemplate {
    pli_events::PduTemplate {
        content: content(&json!({ "body": "x".repeat(length) })),
        ..message()
    }
}

#[test]
fn an_event_may_have_exactly_65535_bytes() {
    let overhead = build(of_length(0)).json().len();
    let largest = build(of_length(MAX_PDU_BYTES - overhead));
    assert_eq!(largest.json().len(), MAX_PDU_BYTES);

    let too_large = error(of_length(MAX_PDU_BYTES - overhead + 1));
    assert!(matches!(too_large, EventError::TooLarge { size } if size == MAX_PDU_BYTES + 1));
    assert!(too_large.is_too_large());
}

#[test]
fn unsigned_doesnt_count_since_other_servers_dont_get_it() {
    let overhead = build(of_length(0)).json().len();
    let mut template = of_length(MAX_PDU_BYTES - overhead);
    template.replaces_state = Some(event_id('r'));
    let pdu = build(template);
    assert_eq!(pdu.federation_json().get().len(), MAX_PDU_BYTES);
}

#[test]
fn fields_may_have_255_bytes() {
    let long = "é".repeat(127);
    let mut template = state(&format!("x{long}"), &json!({}));
    template.state_key = Some(format!("y{long}"));
    let pdu = build(template.clone());
    assert_eq!(pdu.state_key().unwrap().len(), 255);

    template.state_key = Some("y".repeat(256));
    assert!(matches!(
        error(template.clone()),
        EventError::FieldTooLong { field: "state_key", size: 256 }
    ));
    template.state_key = None;
    template.event_type = format!("xx{long}").into();
    assert!(matches!(error(template), EventError::FieldTooLong { field: "type", size: 256 }));
}

#[test]
fn identifiers_longer_than_255_bytes_dont_exist() {
    assert!(OwnedUserId::try_from(format!("@{}:domain", "x".repeat(255))).is_err());
    assert!(OwnedRoomId::try_from(format!("!{}:domain", "x".repeat(255))).is_err());
}

#[test]
fn twenty_previous_and_ten_auth_events_are_allowed() {
    let mut template = message();
    template.prev_events = vec![event_id('p'); 20];
    template.auth_events = vec![event_id('a'); 10];
    build(template.clone());

    template.prev_events.push(event_id('q'));
    assert!(matches!(
        error(template.clone()),
        EventError::TooManyReferences { field: "prev_events", count: 21, limit: 20 }
    ));
    template.prev_events.truncate(1);
    template.auth_events.push(event_id('b'));
    assert!(matches!(
        error(template),
        EventError::TooManyReferences { field: "auth_events", count: 11, limit: 10 }
    ));
}

#[test]
fn content_must_be_an_object_of_canonical_values() {
    for (json, expected) in [
        ("[]", "must be a JSON object"),
        ("\"text\"", "must be a JSON object"),
        (r#"{"a":1.5}"#, "only integers"),
        (r#"{"a":9007199254740992}"#, "only integers"),
    ] {
        let mut template = message();
        template.content = serde_json::value::RawValue::from_string(json.to_owned()).unwrap();
        assert!(error(template).to_string().contains(expected), "{json}");
    }
}

/// What is wrong with an event from elsewhere, and the change that makes it so.
#[test]
fn malformed_events_from_elsewhere_are_refused_for_the_right_reason() {
    type Change = fn(&mut serde_json::Map<String, Value>);
    let cases: &[(&str, Change)] = &[
        ("no field `type`", |event| drop(event.remove("type"))),
        ("no field `sender`", |event| drop(event.remove("sender"))),
        ("no field `room_id`", |event| drop(event.remove("room_id"))),
        ("no field `content`", |event| drop(event.remove("content"))),
        ("no field `prev_events`", |event| drop(event.remove("prev_events"))),
        ("no field `auth_events`", |event| drop(event.remove("auth_events"))),
        ("no field `depth`", |event| drop(event.remove("depth"))),
        ("no field `origin_server_ts`", |event| drop(event.remove("origin_server_ts"))),
        ("`type` must be a string", |event| drop(event.insert("type".into(), json!(1)))),
        ("`state_key` must be a string", |event| {
            drop(event.insert("state_key".into(), json!(null)));
        }),
        ("`room_id` must be a string", |event| drop(event.insert("room_id".into(), json!(null)))),
        ("`room_id` is not a valid", |event| drop(event.insert("room_id".into(), json!("room")))),
        ("`sender` is not a valid", |event| drop(event.insert("sender".into(), json!("claire")))),
        ("`content` must be a JSON object", |event| {
            drop(event.insert("content".into(), json!("")));
        }),
        ("`depth` must be from 0", |event| drop(event.insert("depth".into(), json!(-1)))),
        ("`depth` must be an integer", |event| drop(event.insert("depth".into(), json!("1")))),
        ("`origin_server_ts` must be", |event| {
            drop(event.insert("origin_server_ts".into(), json!(-5)));
        }),
        ("`prev_events` must be an array", |event| {
            drop(event.insert("prev_events".into(), json!("$a")));
        }),
        ("`auth_events` must be an array", |event| {
            drop(event.insert("auth_events".into(), json!([1])));
        }),
        ("`auth_events` is not a valid", |event| {
            drop(event.insert("auth_events".into(), json!(["a"])));
        }),
        ("`prev_events` has 21", |event| {
            drop(event.insert("prev_events".into(), json!(vec!["$a"; 21])));
        }),
        ("is 70", |event| drop(event.insert("content".into(), json!({ "a": "x".repeat(70_000) })))),
    ];
    let good: serde_json::Map<String, Value> =
        serde_json::from_str(build(message()).json()).unwrap();
    for (reason, change) in cases {
        let mut event = good.clone();
        change(&mut event);
        let object = canonical_object(&Value::Object(event).to_string()).unwrap();
        let error = Pdu::from_object(object, rules("11")).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}, not {reason}");
    }
}

#[test]
fn ruma_agrees_with_what_is_built() {
    for version in ["6", "7", "8", "9", "10", "11"] {
        let pdu = message().build(rules(version), server(), &key()).unwrap();
        let object = canonical_object(pdu.json()).unwrap();
        check_pdu_format(&object, &rules(version).event_format).unwrap();
    }
}
