//! If these fail, other servers refuse what this one signs, or a moved server loses its identity.

use pli_events::{
    EventError, SigningKey, canonical_object, canonical_string, hash_and_sign_event, sign_json,
};
use ruma::signatures::verify_json;

use crate::fixtures::{build, key, keys, message, rules, server};

#[test]
fn json_signing_gives_the_specifications_signatures() {
    for (json, signed) in [
        (
            "{}",
            r#"{"signatures":{"domain":{"ed25519:1":"K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"}}}"#,
        ),
        (
            r#"{"one": 1, "two": "Two"}"#,
            r#"{"one":1,"signatures":{"domain":{"ed25519:1":"KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"}},"two":"Two"}"#,
        ),
    ] {
        let mut object = canonical_object(json).unwrap();
        sign_json(&mut object, server(), &key()).unwrap();
        assert_eq!(canonical_string(&object), signed);
        verify_json(&keys(), &object).unwrap();
    }
}

#[test]
fn event_signing_gives_the_specifications_hash_and_signature() {
    for (json, signed) in [
        (
            r#"{
                "room_id": "!x:domain", "sender": "@a:domain", "origin": "domain",
                "origin_server_ts": 1000000, "signatures": {}, "hashes": {}, "type": "X",
                "content": {}, "prev_events": [], "auth_events": [], "depth": 3,
                "unsigned": { "age_ts": 1000000 }
            }"#,
            r#"{"auth_events":[],"content":{},"depth":3,"hashes":{"sha256":"5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"},"origin":"domain","origin_server_ts":1000000,"prev_events":[],"room_id":"!x:domain","sender":"@a:domain","signatures":{"domain":{"ed25519:1":"KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg"}},"type":"X","unsigned":{"age_ts":1000000}}"#,
        ),
        (
            r#"{
                "content": { "body": "Here is the message content" }, "event_id": "$0:domain",
                "origin": "domain", "origin_server_ts": 1000000, "type": "m.room.message",
                "room_id": "!r:domain", "sender": "@u:domain", "signatures": {},
                "unsigned": { "age_ts": 1000000 }
            }"#,
            r#"{"content":{"body":"Here is the message content"},"event_id":"$0:domain","hashes":{"sha256":"onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g"},"origin":"domain","origin_server_ts":1000000,"room_id":"!r:domain","sender":"@u:domain","signatures":{"domain":{"ed25519:1":"Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA"}},"type":"m.room.message","unsigned":{"age_ts":1000000}}"#,
        ),
    ] {
        let mut event = canonical_object(json).unwrap();
        // Room version 6 still protects `origin`.
        hash_and_sign_event(&mut event, rules("6"), server(), &key()).unwrap();
        assert_eq!(canonical_string(&event), signed);
    }
}

#[test]
fn building_gives_the_same_as_signing_the_finished_json() {
    let pdu = build(message());
    let mut event = canonical_object(pdu.json()).unwrap();
    event.remove("hashes");
    event.remove("signatures");
    hash_and_sign_event(&mut event, rules("11"), server(), &key()).unwrap();
    assert_eq!(canonical_string(&event), pdu.json());
}

#[test]
fn a_keys_text_form_is_synapses_and_keeps_the_key() {
    let text = "ed25519 a_HzKu Ny4Zn8+nTVzjQ4SjYTR9wqYUzGYJYKeBvbW1TFxhqmU\n";
    let key = SigningKey::from_text(text).unwrap();
    assert_eq!(key.key_id().as_str(), "ed25519:a_HzKu");
    assert_eq!(*key.to_text(), text);
}

#[test]
fn the_specifications_key_has_its_public_key() {
    assert_eq!(key().public_key().encode(), "XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI");
}

#[test]
fn a_generated_key_survives_its_text_form() {
    let mut next_byte = 0_u8;
    let mut entropy = |buffer: &mut [u8]| {
        for byte in buffer {
            *byte = next_byte;
            next_byte = next_byte.wrapping_add(37);
        }
    };
    let generated = SigningKey::generate(&mut entropy);
    let other = SigningKey::generate(&mut entropy);
    let read = SigningKey::from_text(&generated.to_text()).unwrap();
    assert_eq!(read.key_id(), generated.key_id());
    assert_eq!(read.public_key(), generated.public_key());
    assert_ne!(read.public_key(), other.public_key());
    assert!(!format!("{generated:?}").contains(generated.to_text().split(' ').nth(2).unwrap()));
}

#[test]
fn a_damaged_key_file_says_what_is_wrong() {
    for (text, reason) in [
        ("", "empty"),
        ("# only a comment", "empty"),
        ("ed25519 a_x", "three words"),
        ("rsa a_x AAAA", "not ed25519"),
        ("ed25519 a_x ????", "not base64"),
        ("ed25519 a_x AAAA", "not 32 bytes"),
        ("ed25519 a-x! YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1", "name"),
    ] {
        let error = SigningKey::from_text(text).unwrap_err();
        assert!(matches!(error, EventError::SigningKey(_)));
        assert!(error.to_string().contains(reason), "{text}: {error}");
    }
}
