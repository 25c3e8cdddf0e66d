//! If these fail, this server takes part in rooms by other rules than the rest of the room.

use std::collections::BTreeMap;

use pli_events::{
    EarlyFormat, EventError, IncomingPdu, Pdu, PduTemplate, SUPPORTED_ROOM_VERSIONS,
    canonical_object, canonical_string, room_version_rules, select_auth_events,
};
use ruma::{
    RoomVersionId, events::StateEventType, owned_event_id, room_id, signatures::reference_hash,
    state_res::Event, user_id,
};
use serde_json::json;

use crate::fixtures::{build, content, event_id, key, keys, message, rules, server, state};

#[test]
fn versions_2_to_12_are_supported_and_no_others() {
    let names: Vec<_> = SUPPORTED_ROOM_VERSIONS.iter().map(RoomVersionId::as_str).collect();
    assert_eq!(names, ["2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]);
    for version in SUPPORTED_ROOM_VERSIONS {
        room_version_rules(version).unwrap();
    }
    for version in ["1", "13", "org.example.mine"] {
        let version = RoomVersionId::try_from(version).unwrap();
        assert!(matches!(room_version_rules(&version), Err(EventError::RoomVersion(_))));
    }
}

#[test]
fn the_id_is_the_reference_hash_of_every_version() {
    for version in ["4", "5", "6", "7", "8", "9", "10", "11"] {
        let rules = rules(version);
        for template in [message(), state("m.room.power_levels", &json!({ "invite": 50 }))] {
            let pdu = template.build(rules, server(), &key()).unwrap();
            let object = canonical_object(pdu.json()).unwrap();
            let expected = format!("${}", reference_hash(&object, rules).unwrap());
            assert_eq!(pdu.event_id().as_str(), expected, "version {version}");
            assert_eq!(Pdu::from_object(object, rules).unwrap(), pdu, "version {version}");
        }
    }
}

#[test]
fn in_version_3_ids_are_written_in_the_other_alphabet_of_base64() {
    let of_version = |version| {
        let pdu = message().build(rules(version), server(), &key()).unwrap();
        let object = canonical_object(pdu.json()).unwrap();
        let incoming = IncomingPdu::parse(pdu.json(), rules(version)).unwrap();
        assert_eq!(incoming.event_id(), pdu.event_id());
        assert_eq!(Pdu::from_object(object, rules(version)).unwrap(), pdu);
        pdu.event_id().to_string()
    };
    let (of_3, of_4) = (of_version("3"), of_version("4"));
    assert_eq!(of_3.replace('+', "-").replace('/', "_"), of_4);
}

#[test]
fn in_version_2_events_have_ids_of_their_own_and_name_others_with_their_hashes() {
    let rules = rules("2");
    let hash = build(message()).reference_hash(&rules.redaction).unwrap();
    let names = [event_id('p'), event_id('a'), event_id('b')];
    let early = EarlyFormat {
        event_id: owned_event_id!("$mine:domain"),
        reference_hashes: names.iter().map(|name| (name.clone(), hash.clone())).collect(),
    };
    let pdu = message().build_early(&early, rules, server(), &key()).unwrap();
    assert_eq!(pdu.event_id(), "$mine:domain");
    assert_eq!(pdu.prev_events(), [event_id('p')]);
    let json: serde_json::Value = serde_json::from_str(pdu.json()).unwrap();
    assert_eq!(json["event_id"], "$mine:domain");
    assert_eq!(json["prev_events"], json!([[event_id('p'), { "sha256": hash }]]));
    assert_eq!(json["auth_events"][1][0], event_id('b').as_str());

    // Whoever gets it reads the same event, also after its redaction, which leaves the hash alone.
    let stored = Pdu::from_stored(pdu.event_id().to_owned(), pdu.json()).unwrap();
    assert_eq!(
        (stored.prev_events(), stored.auth_events()),
        (pdu.prev_events(), pdu.auth_events())
    );
    let received = IncomingPdu::parse(pdu.json(), rules).unwrap().verify(&keys()).unwrap();
    assert_eq!(received.pdu, pdu);
    assert!(!received.redacted);
    let redacted = pdu.redacted(&rules.redaction).unwrap();
    let before = pdu.reference_hash(&rules.redaction).unwrap();
    assert_eq!(redacted.reference_hash(&rules.redaction).unwrap(), before);
    let object = canonical_object(pdu.json()).unwrap();
    assert_eq!(reference_hash(&object, rules).unwrap(), before);

    // An id that names no server, and references without hashes, belong to later versions.
    let without = EarlyFormat { reference_hashes: BTreeMap::new(), ..early.clone() };
    let error = message().build_early(&without, rules, server(), &key()).unwrap_err();
    assert!(matches!(error, EventError::MissingField { field: "sha256" }));
    let error = message().build(rules, server(), &key()).unwrap_err();
    assert!(matches!(error, EventError::MissingField { field: "event_id" }));
    let nameless = EarlyFormat { event_id: event_id('x'), ..early };
    let error = message().build_early(&nameless, rules, server(), &key()).unwrap_err();
    assert!(matches!(error, EventError::WrongType { field: "event_id", .. }));
    let mut object = object;
    object.insert("prev_events".to_owned(), vec!["$p:domain".into()].into());
    let error = Pdu::from_object(object, rules).unwrap_err();
    assert!(matches!(error, EventError::WrongType { field: "prev_events", .. }));
}

#[test]
fn ids_stay_what_they_were() {
    // A fixed value: a change would cut the server off from its own history.
    assert_eq!(build(message()).event_id(), "$DlkD1one0fufZ5O0bQrQX-CyyzEZxOxjWSnHFwdr0Eo");
}

#[test]
fn a_version_12_room_is_named_by_its_create_event() {
    let rules = rules("12");
    let template = PduTemplate {
        room_id: None,
        prev_events: vec![],
        auth_events: vec![],
        ..state("m.room.create", &json!({ "room_version": "12" }))
    };
    let create = template.clone().build(rules, server(), &key()).unwrap();
    assert_eq!(create.room_id().as_str(), create.event_id().as_str().replace('$', "!"));
    // The authorisation rules want to see that the event itself names no room.
    assert_eq!(Event::room_id(&create), None);
    assert!(!create.json().contains("room_id"));
    assert!(create.is_create());

    let stored = Pdu::from_stored(create.event_id().to_owned(), create.json()).unwrap();
    assert_eq!(stored.room_id(), create.room_id());
    let received = Pdu::from_object(canonical_object(create.json()).unwrap(), rules).unwrap();
    assert_eq!(received, create);

    // Nothing else may leave the room out, and a create event may not name one.
    let no_room = PduTemplate { room_id: None, ..message() };
    let error = no_room.build(rules, server(), &key()).unwrap_err();
    assert!(matches!(error, EventError::MissingField { field: "room_id" }));
    let with_room = PduTemplate { room_id: Some(room_id!("!x:domain").to_owned()), ..template };
    let error = with_room.clone().build(rules, server(), &key()).unwrap_err();
    assert!(matches!(error, EventError::UnexpectedField { field: "room_id", .. }));
    with_room.build(crate::fixtures::rules("11"), server(), &key()).unwrap();
}

#[test]
fn in_version_12_the_create_event_is_no_auth_event() {
    let room_id = format!("!{}", "c".repeat(43)).try_into().unwrap();
    let template = PduTemplate {
        room_id: Some(room_id),
        auth_events: vec![event_id('a'), event_id('c')],
        ..message()
    };
    template.clone().build(rules("11"), server(), &key()).unwrap();
    let error = template.build(rules("12"), server(), &key()).unwrap_err();
    assert!(matches!(error, EventError::UnexpectedField { field: "auth_events", .. }));
}

#[test]
fn a_redaction_names_its_target_where_the_version_has_it() {
    let target = event_id('t');
    let template = PduTemplate {
        event_type: "m.room.redaction".into(),
        content: content(&json!({ "reason": "mauvais salon" })),
        redacts: Some(target.clone()),
        ..message()
    };
    for version in ["6", "10", "11", "12"] {
        let rules = rules(version);
        let pdu = template.clone().build(rules, server(), &key()).unwrap();
        assert_eq!(pdu.redacts(&rules.redaction), Some(&*target), "version {version}");
        let in_content = pdu.content().get().contains(target.as_str());
        assert_eq!(in_content, rules.redaction.content_field_redacts, "version {version}");
        let stored = Pdu::from_stored(pdu.event_id().to_owned(), pdu.json()).unwrap();
        assert_eq!(stored.redacts(&rules.redaction), Some(&*target));
    }
}

#[test]
fn a_target_in_the_wrong_place_redacts_nothing() {
    let mut event = canonical_object(build(message()).json()).unwrap();
    event.insert("type".to_owned(), "m.room.redaction".into());
    event.insert("redacts".to_owned(), event_id('t').as_str().into());
    let pdu = Pdu::from_object(event.clone(), rules("11")).unwrap();
    assert_eq!(pdu.redacts(&rules("11").redaction), None);
    let pdu = Pdu::from_object(event.clone(), rules("10")).unwrap();
    assert_eq!(pdu.redacts(&rules("10").redaction), Some(&*event_id('t')));

    // Something that is no event id is no reason to drop the event.
    event.insert("redacts".to_owned(), canonical_object("{}").unwrap().into());
    let pdu = Pdu::from_object(event, rules("10")).unwrap();
    assert_eq!(pdu.redacts(&rules("10").redaction), None);
}

#[test]
fn auth_events_are_those_that_the_room_has_of_what_the_rules_name() {
    let template = message();
    let known = |state_type: &StateEventType, state_key: &str| match state_type {
        StateEventType::RoomCreate => Some(owned_event_id!("$create")),
        StateEventType::RoomPowerLevels => None,
        StateEventType::RoomMember if state_key == "@claire:domain" => {
            Some(owned_event_id!("$member"))
        }
        _ => panic!("a message needs no {state_type}"),
    };
    let select = |version| {
        select_auth_events(
            &template.event_type,
            user_id!("@claire:domain"),
            None,
            &template.content,
            rules(version),
            known,
        )
        .unwrap()
    };
    let mut of_version_11 = select("11");
    of_version_11.sort();
    assert_eq!(of_version_11, [owned_event_id!("$create"), owned_event_id!("$member")]);
    assert_eq!(select("12"), [owned_event_id!("$member")]);
}

#[test]
fn canonical_text_is_what_is_stored() {
    let pdu = build(message());
    assert_eq!(canonical_string(&canonical_object(pdu.json()).unwrap()), pdu.json());
}
