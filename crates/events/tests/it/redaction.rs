//! If these fail, redacted content is still served, or a redaction breaks a room's history.

use pli_events::{Pdu, PduTemplate, canonical_object};
use ruma::signatures::reference_hash;
use serde_json::{Value, json};

use crate::fixtures::{build, event_id, key, message, rules, server, state};

fn redacted_content(version: &str, event_type: &str, content: &Value) -> Value {
    let rules = rules(version);
    let template = state(event_type, content);
    let pdu = template.build(rules, server(), &key()).unwrap();
    let redacted = pdu.redacted(&rules.redaction).unwrap();
    assert_eq!(redacted.redacted(&rules.redaction).unwrap(), redacted, "twice is once");
    assert_eq!(redacted.event_id(), pdu.event_id());
    // Others can still check what remains.
    let object = canonical_object(redacted.json()).unwrap();
    let hash = reference_hash(&object, rules).unwrap();
    assert_eq!(pdu.event_id().as_str().strip_prefix('$'), Some(hash.as_str()));
    redacted.content_as().unwrap()
}

#[test]
fn a_messages_content_goes_whole() {
    let pdu = build(PduTemplate { replaces_state: Some(event_id('r')), ..message() });
    let redacted = pdu.redacted(&rules("11").redaction).unwrap();
    assert_eq!(redacted.content().get(), "{}");
    assert!(!redacted.json().contains("demain"));
    assert!(!redacted.json().contains("unsigned"));
    assert_eq!(redacted.sender(), pdu.sender());
    assert_eq!(redacted.prev_events(), pdu.prev_events());
}

#[test]
fn a_rejected_event_stays_rejected() {
    let pdu = build(message()).with_rejected(true);
    assert!(pdu.redacted(&rules("11").redaction).unwrap().is_rejected());
}

/// What each version keeps of the state events that it protects.
#[test]
fn each_version_keeps_what_it_protects() {
    let member = json!({
        "membership": "join", "displayname": "Claire", "reason": "x",
        "join_authorised_via_users_server": "@samir:domain",
        "third_party_invite": { "display_name": "c…@…", "signed": { "token": "t" } }
    });
    for (version, kept) in [
        ("6", json!({ "membership": "join" })),
        ("8", json!({ "membership": "join" })),
        ("9", json!({ "membership": "join", "join_authorised_via_users_server": "@samir:domain" })),
        (
            "10",
            json!({ "membership": "join", "join_authorised_via_users_server": "@samir:domain" }),
        ),
        (
            "11",
            json!({
                "membership": "join", "join_authorised_via_users_server": "@samir:domain",
                "third_party_invite": { "signed": { "token": "t" } }
            }),
        ),
    ] {
        assert_eq!(redacted_content(version, "m.room.member", &member), kept, "version {version}");
    }

    let create = json!({ "creator": "@claire:domain", "type": "m.space", "room_version": "6" });
    assert_eq!(
        redacted_content("6", "m.room.create", &create),
        json!({ "creator": "@claire:domain" })
    );
    assert_eq!(
        redacted_content("10", "m.room.create", &create),
        json!({ "creator": "@claire:domain" })
    );
    assert_eq!(redacted_content("11", "m.room.create", &create), create);

    let join_rules = json!({ "join_rule": "restricted", "allow": [], "extra": 1 });
    assert_eq!(
        redacted_content("7", "m.room.join_rules", &join_rules),
        json!({ "join_rule": "restricted" })
    );
    let with_allow = json!({ "join_rule": "restricted", "allow": [] });
    assert_eq!(redacted_content("8", "m.room.join_rules", &join_rules), with_allow);

    let levels = json!({ "ban": 50, "invite": 0, "users": {}, "notifications": { "room": 50 } });
    assert_eq!(
        redacted_content("10", "m.room.power_levels", &levels),
        json!({ "ban": 50, "users": {} })
    );
    let with_invite = json!({ "ban": 50, "invite": 0, "users": {} });
    assert_eq!(redacted_content("11", "m.room.power_levels", &levels), with_invite);

    let visibility = json!({ "history_visibility": "joined", "extra": 1 });
    for version in ["6", "11"] {
        assert_eq!(
            redacted_content(version, "m.room.history_visibility", &visibility),
            json!({ "history_visibility": "joined" })
        );
        assert_eq!(
            redacted_content(version, "m.room.aliases", &json!({ "aliases": [] })),
            json!({})
        );
        assert_eq!(redacted_content(version, "m.room.topic", &json!({ "topic": "x" })), json!({}));
    }
    let redaction = json!({ "redacts": "$x", "reason": "y" });
    assert_eq!(redacted_content("10", "m.room.redaction", &redaction), json!({}));
    assert_eq!(redacted_content("11", "m.room.redaction", &redaction), json!({ "redacts": "$x" }));
}

#[test]
fn version_12_protects_like_11() {
    let template =
        PduTemplate { room_id: None, ..state("m.room.create", &json!({ "type": "m.space" })) };
    let template = PduTemplate { auth_events: vec![], prev_events: vec![], ..template };
    let create = template.build(rules("12"), server(), &key()).unwrap();
    let redacted: Pdu = create.redacted(&rules("12").redaction).unwrap();
    assert_eq!(redacted.content().get(), r#"{"type":"m.space"}"#);
    assert_eq!(redacted.room_id(), create.room_id());
}
