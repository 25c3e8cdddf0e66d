//! If these fail, another server can forge events or change them on their way.

use pli_events::{
    EventError, IncomingPdu, PduTemplate, SigningKey, canonical_object, canonical_string,
};
use ruma::{CanonicalJsonValue, server_name};
use serde_json::json;

use crate::fixtures::{build, content, key, keys, message, rules, server};

#[test]
fn a_signed_event_arrives_whole() {
    let pdu = build(message());
    let incoming = IncomingPdu::parse(pdu.federation_json().get(), rules("11")).unwrap();
    assert_eq!(incoming.event_id(), pdu.event_id());
    assert_eq!(incoming.signing_servers().unwrap(), [server().to_owned()].into());
    let received = incoming.verify(&keys()).unwrap();
    assert!(!received.redacted);
    assert_eq!(received.pdu, pdu);
}

#[test]
fn changed_content_is_redacted_and_the_id_stays() {
    let pdu = build(message());
    let tampered = pdu.json().replace("demain", "jamais");
    let incoming = IncomingPdu::parse(&tampered, rules("11")).unwrap();
    assert_eq!(incoming.event_id(), pdu.event_id());
    let received = incoming.verify(&keys()).unwrap();
    assert!(received.redacted);
    assert_eq!(received.pdu.content().get(), "{}");
}

#[test]
fn changed_protected_fields_are_dropped() {
    let pdu = build(message());
    for (from, to) in [
        ("@claire:domain", "@samir:domain"),
        ("!room:domain", "!salon:domain"),
        ("m.room.message", "m.room.notice"),
        ("\"depth\":7", "\"depth\":8"),
        ("1700000000000", "1700000000001"),
    ] {
        let incoming = IncomingPdu::parse(&pdu.json().replace(from, to), rules("11")).unwrap();
        assert_ne!(incoming.event_id(), pdu.event_id());
        let error = incoming.verify(&keys()).unwrap_err();
        assert!(matches!(error, EventError::Signature(_)), "{from} -> {to}");
    }
}

#[test]
fn an_event_without_its_servers_signature_is_dropped() {
    let mut other_server = canonical_object(build(message()).json()).unwrap();
    let signatures = other_server.remove("signatures").unwrap();
    let CanonicalJsonValue::Object(mut signatures) = signatures else { panic!() };
    let own = signatures.remove("domain").unwrap();
    signatures.insert("elsewhere".to_owned(), own);
    other_server.insert("signatures".to_owned(), signatures.into());
    let incoming = IncomingPdu::parse(&canonical_string(&other_server), rules("11")).unwrap();
    assert!(matches!(incoming.verify(&keys()), Err(EventError::Signature(_))));

    let unknown_key =
        SigningKey::from_text("ed25519 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let forged = message().build(rules("11"), server(), &unknown_key.unwrap()).unwrap();
    let incoming = IncomingPdu::parse(forged.json(), rules("11")).unwrap();
    assert!(matches!(incoming.verify(&keys()), Err(EventError::Signature(_))));
}

#[test]
fn a_restricted_join_needs_the_authorising_servers_signature_too() {
    let template = PduTemplate {
        event_type: "m.room.member".into(),
        state_key: Some("@claire:domain".to_owned()),
        content: content(&json!({
            "membership": "join", "join_authorised_via_users_server": "@samir:ailleurs"
        })),
        ..message()
    };
    let pdu = template.build(rules("11"), server(), &key()).unwrap();
    let incoming = IncomingPdu::parse(pdu.json(), rules("11")).unwrap();
    let servers = incoming.signing_servers().unwrap();
    assert_eq!(servers, [server().to_owned(), server_name!("ailleurs").to_owned()].into());
    assert!(matches!(incoming.verify(&keys()), Err(EventError::Signature(_))));
}

#[test]
fn what_a_server_says_in_unsigned_is_not_believed() {
    let pdu = build(message());
    let mut object = canonical_object(pdu.json()).unwrap();
    let unsigned = canonical_object(r#"{"replaces_state":"$lie","prev_content":{}}"#).unwrap();
    object.insert("unsigned".to_owned(), unsigned.into());
    let incoming = IncomingPdu::parse(&canonical_string(&object), rules("11")).unwrap();
    let received = incoming.verify(&keys()).unwrap().pdu;
    assert_eq!(received.replaces_state(), None);
    assert_eq!(received.json(), pdu.json());
}
