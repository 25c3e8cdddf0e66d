use pli_events::{Pdu, PduTemplate, SigningKey, room_version_rules};
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedEventId, RoomVersionId, ServerName, UInt,
    room_version_rules::RoomVersionRules, server_name, signatures::PublicKeyMap, uint, user_id,
};
use serde_json::{
    json,
    value::{RawValue, to_raw_value},
};

/// The key of the specification's test vectors.
pub(crate) fn key() -> SigningKey {
    SigningKey::from_text("ed25519 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1").unwrap()
}

pub(crate) fn server() -> &'static ServerName {
    server_name!("domain")
}

pub(crate) fn keys() -> PublicKeyMap {
    let key = key();
    let of_server = [(key.key_id().to_string(), key.public_key())].into();
    [(server().to_string(), of_server)].into()
}

pub(crate) fn rules(version: &str) -> &'static RoomVersionRules {
    room_version_rules(&RoomVersionId::try_from(version).unwrap()).unwrap()
}

pub(crate) fn content(value: &serde_json::Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

pub(crate) fn event_id(letter: char) -> OwnedEventId {
    format!("${}", letter.to_string().repeat(43)).try_into().unwrap()
}

pub(crate) fn milliseconds(milliseconds: u64) -> MilliSecondsSinceUnixEpoch {
    MilliSecondsSinceUnixEpoch(UInt::new_saturating(milliseconds))
}

pub(crate) fn message() -> PduTemplate {
    PduTemplate {
        room_id: Some("!room:domain".try_into().unwrap()),
        sender: user_id!("@claire:domain").to_owned(),
        event_type: "m.room.message".into(),
        state_key: None,
        content: content(&json!({ "msgtype": "m.text", "body": "À demain" })),
        redacts: None,
        prev_events: vec![event_id('p')],
        auth_events: vec![event_id('a'), event_id('b')],
        depth: uint!(7),
        origin_server_ts: milliseconds(1_700_000_000_000),
        replaces_state: None,
        sticky: None,
    }
}

pub(crate) fn state(event_type: &str, value: &serde_json::Value) -> PduTemplate {
    PduTemplate {
        event_type: event_type.into(),
        state_key: Some(String::new()),
        content: content(value),
        ..message()
    }
}

pub(crate) fn build(template: PduTemplate) -> Pdu {
    template.build(rules("11"), server(), &key()).unwrap()
}
