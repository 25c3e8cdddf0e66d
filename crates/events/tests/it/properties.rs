//! Rules that hold for every event, tried on random ones.

use pli_events::{
    IncomingPdu, Pdu, PduTemplate, canonical_object, canonical_string, redact_object,
};
use proptest::prelude::*;
use ruma::{CanonicalJsonObject, CanonicalJsonValue, Int, UInt, state_res::check_pdu_format};
use serde_json::value::RawValue;

use crate::fixtures::{event_id, key, keys, message, rules, server};

fn json_value() -> impl Strategy<Value = CanonicalJsonValue> {
    let leaf = prop_oneof![
        Just(CanonicalJsonValue::Null),
        any::<bool>().prop_map(CanonicalJsonValue::Bool),
        any::<i64>().prop_map(|number| Int::new_saturating(number).into()),
        any::<String>().prop_map(CanonicalJsonValue::String),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(CanonicalJsonValue::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(CanonicalJsonValue::Object),
        ]
    })
}

fn json_object() -> impl Strategy<Value = CanonicalJsonObject> {
    let protected = prop::sample::select(
        &[
            "membership",
            "creator",
            "join_rule",
            "allow",
            "users",
            "ban",
            "invite",
            "redacts",
            "history_visibility",
            "third_party_invite",
            "body",
        ][..],
    )
    .prop_map(str::to_owned);
    let key = prop_oneof![protected, any::<String>()];
    prop::collection::btree_map(key, json_value(), 0..8)
}

fn version() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["6", "7", "8", "9", "10", "11"][..])
}

fn template() -> impl Strategy<Value = PduTemplate> {
    let event_type = prop::sample::select(
        &[
            "m.room.message",
            "m.room.create",
            "m.room.join_rules",
            "m.room.power_levels",
            "m.room.history_visibility",
            "m.room.redaction",
            "m.room.topic",
            "org.example.x",
        ][..],
    );
    let state_key = prop::option::of(any::<String>().prop_filter("limit", |key| key.len() <= 255));
    let letters = || prop::collection::vec(prop::char::range('a', 'z'), 0..8);
    (event_type, state_key, json_object(), letters(), letters(), any::<u64>(), any::<u64>())
        .prop_map(|(event_type, state_key, content, prev_events, auth_events, depth, time)| {
            PduTemplate {
                event_type: event_type.into(),
                state_key,
                content: RawValue::from_string(canonical_string(&content)).unwrap(),
                prev_events: prev_events.into_iter().map(event_id).collect(),
                auth_events: auth_events.into_iter().map(event_id).collect(),
                depth: UInt::new_saturating(depth),
                origin_server_ts: ruma::MilliSecondsSinceUnixEpoch(UInt::new_saturating(time)),
                ..message()
            }
        })
}

proptest! {
    #[test]
    fn canonical_json_round_trips_and_is_its_own_canonical_form(object in json_object()) {
        let text = canonical_string(&object);
        let read = canonical_object(&text).unwrap();
        prop_assert_eq!(&read, &object);
        prop_assert_eq!(canonical_string(&read), text);
    }

    #[test]
    fn spaces_and_key_order_dont_matter(object in json_object()) {
        let pretty = serde_json::to_string_pretty(&object).unwrap();
        prop_assert_eq!(canonical_object(&pretty).unwrap(), object);
    }

    #[test]
    fn what_is_built_verifies_and_reads_back(template in template(), version in version()) {
        let rules = rules(version);
        let pdu = template.build(rules, server(), &key()).unwrap();
        let object = canonical_object(pdu.json()).unwrap();
        check_pdu_format(&object, &rules.event_format).unwrap();

        let received = IncomingPdu::parse(pdu.json(), rules).unwrap().verify(&keys()).unwrap();
        prop_assert!(!received.redacted);
        prop_assert_eq!(&received.pdu, &pdu);
        let stored = Pdu::from_stored(pdu.event_id().to_owned(), pdu.json()).unwrap();
        prop_assert_eq!(stored.content().get(), pdu.content().get());
        prop_assert_eq!(stored.state_key(), pdu.state_key());
        prop_assert_eq!(stored.depth(), pdu.depth());
        prop_assert_eq!(stored.redacts(&rules.redaction), pdu.redacts(&rules.redaction));
    }

    #[test]
    fn ids_dont_depend_on_unsigned_or_signatures(
        template in template(), version in version(), other in json_object(),
    ) {
        let rules = rules(version);
        let pdu = template.build(rules, server(), &key()).unwrap();
        let mut object = canonical_object(pdu.json()).unwrap();
        object.insert("unsigned".to_owned(), other.clone().into());
        object.insert("signatures".to_owned(), CanonicalJsonObject::new().into());
        let same = Pdu::from_object(object, rules).unwrap();
        prop_assert_eq!(same.event_id(), pdu.event_id());
    }

    #[test]
    fn redacting_twice_is_redacting_once_and_keeps_the_id(
        template in template(), version in version(),
    ) {
        let rules = rules(version);
        let pdu = template.build(rules, server(), &key()).unwrap();
        let mut once = canonical_object(pdu.json()).unwrap();
        redact_object(&mut once, &rules.redaction).unwrap();
        let mut twice = once.clone();
        redact_object(&mut twice, &rules.redaction).unwrap();
        prop_assert_eq!(&twice, &once);

        let received = IncomingPdu::parse(&canonical_string(&once), rules).unwrap();
        prop_assert_eq!(received.event_id(), pdu.event_id());
        received.verify(&keys()).unwrap();
    }

    #[test]
    fn any_change_is_noticed(
        template in template(), version in version(), field in any::<prop::sample::Index>(),
        value in json_value(),
    ) {
        let rules = rules(version);
        let pdu = template.build(rules, server(), &key()).unwrap();
        let mut object = canonical_object(pdu.json()).unwrap();
        let fields: Vec<_> =
            object.keys().filter(|key| *key != "signatures" && *key != "unsigned").cloned().collect();
        let field = field.get(&fields);
        prop_assume!(object.get(field) != Some(&value));
        object.insert(field.clone(), value);

        let outcome = IncomingPdu::parse(&canonical_string(&object), rules)
            .and_then(|incoming| incoming.verify(&keys()));
        if let Ok(received) = outcome {
            prop_assert!(received.redacted);
            prop_assert_eq!(received.pdu.event_id(), pdu.event_id());
        }
    }

    #[test]
    fn nothing_from_outside_makes_parsing_panic(text in any::<String>(), object in json_object()) {
        let _ = IncomingPdu::parse(&text, rules("11"));
        let _ = IncomingPdu::parse(&canonical_string(&object), rules("11"));
        let _ = Pdu::from_stored(event_id('x'), text);
    }
}
