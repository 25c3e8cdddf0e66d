//! If these fail, clients can't show events, or see what isn't theirs to see.

use pli_events::{ClientEvent, PduTemplate, StrippedStateEvent};
use ruma::{
    MilliSecondsSinceUnixEpoch,
    events::{AnySyncTimelineEvent, AnyTimelineEvent, room::member::MembershipState},
};
use serde_json::{Value, json, value::to_raw_value};

use crate::fixtures::{build, content, event_id, key, message, milliseconds, rules, server, state};

fn later() -> MilliSecondsSinceUnixEpoch {
    milliseconds(1_700_000_002_500)
}

fn value(event: &ClientEvent<'_>) -> Value {
    serde_json::from_str(event.to_raw_value().get()).unwrap()
}

#[test]
fn full_and_sync_format() {
    let pdu = build(message());
    let full = json!({
        "content": { "body": "À demain", "msgtype": "m.text" },
        "event_id": pdu.event_id(),
        "origin_server_ts": 1_700_000_000_000_u64,
        "room_id": "!room:domain",
        "sender": "@claire:domain",
        "type": "m.room.message"
    });
    assert_eq!(value(&ClientEvent::new(&pdu)), full);
    let mut sync = full;
    sync.as_object_mut().unwrap().remove("room_id");
    assert_eq!(value(&ClientEvent::for_sync(&pdu)), sync);

    ClientEvent::new(&pdu).to_raw::<AnyTimelineEvent>().deserialize().unwrap();
    ClientEvent::for_sync(&pdu).to_raw::<AnySyncTimelineEvent>().deserialize().unwrap();
}

#[test]
fn unsigned_says_what_the_reader_may_know() {
    let before = build(state("m.room.topic", &json!({ "topic": "avant" })));
    let template = PduTemplate {
        replaces_state: Some(before.event_id().to_owned()),
        ..state("m.room.topic", &json!({ "topic": "après" }))
    };
    let pdu = build(template);
    assert_eq!(pdu.replaces_state(), Some(before.event_id()));
    let relations = to_raw_value(&json!({ "m.annotation": {} })).unwrap();
    let event = ClientEvent::for_sync(&pdu)
        .at(later())
        .transaction_id(Some("t1".into()))
        .membership(Some(&MembershipState::Join))
        .previous(Some(&before))
        .relations(Some(&relations));
    assert_eq!(
        value(&event)["unsigned"],
        json!({
            "age": 2500,
            "transaction_id": "t1",
            "membership": "join",
            "prev_content": { "topic": "avant" },
            "prev_sender": "@claire:domain",
            "replaces_state": before.event_id(),
            "m.relations": { "m.annotation": {} }
        })
    );
    assert_eq!(value(&event)["state_key"], "");
}

#[test]
fn an_event_from_a_server_whose_clock_is_ahead_has_a_negative_age() {
    let pdu = build(message());
    let event = ClientEvent::new(&pdu).at(milliseconds(1_699_999_999_000));
    assert_eq!(value(&event)["unsigned"]["age"], -1000);
}

#[test]
fn a_redacted_event_carries_its_redaction() {
    let pdu = build(message());
    let redaction = PduTemplate {
        event_type: "m.room.redaction".into(),
        content: content(&json!({ "reason": "erreur" })),
        redacts: Some(pdu.event_id().to_owned()),
        ..message()
    };
    let redaction = build(redaction);
    let redacted = pdu.redacted(&rules("11").redaction).unwrap();
    let event = value(
        &ClientEvent::for_sync(&redacted).redacted_because(Some(&redaction), None).at(later()),
    );
    assert_eq!(event["content"], json!({}));
    let because = &event["unsigned"]["redacted_because"];
    assert_eq!(because["event_id"], redaction.event_id().as_str());
    assert_eq!(because["content"]["reason"], "erreur");
    assert_eq!(because.get("room_id"), None);
}

#[test]
fn clients_of_every_age_find_what_a_redaction_redacts() {
    for version in ["10", "11"] {
        let template = PduTemplate {
            event_type: "m.room.redaction".into(),
            content: content(&json!({ "reason": "erreur" })),
            redacts: Some(event_id('t')),
            ..message()
        };
        let pdu = template.build(rules(version), server(), &key()).unwrap();
        let event = value(&ClientEvent::new(&pdu));
        assert_eq!(event["redacts"], event_id('t').as_str(), "version {version}");
        assert_eq!(event["content"]["redacts"], event_id('t').as_str(), "version {version}");
        assert_eq!(event["content"]["reason"], "erreur");
    }
}

#[test]
fn stripped_state_has_four_fields() {
    let pdu = build(state("m.room.name", &json!({ "name": "Cellule presse" })));
    let stripped: Value = StrippedStateEvent(&pdu).to_raw::<Value>().deserialize().unwrap();
    assert_eq!(
        stripped,
        json!({
            "content": { "name": "Cellule presse" }, "sender": "@claire:domain",
            "state_key": "", "type": "m.room.name"
        })
    );
}

#[test]
fn logs_dont_hold_messages() {
    assert!(!format!("{:?}", build(message())).contains("demain"));
}
