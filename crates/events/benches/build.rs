//! What every message costs: building, signing and serving one event with 1 KiB of content.
//!
//! `cargo bench -p pli-events` prints the mean time of each step.
use std::{hint::black_box, time::Instant};

use pli_events::{ClientEvent, Pdu, PduTemplate, SigningKey, room_version_rules};
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedEventId, RoomVersionId, UInt, server_name, uint, user_id,
};
use serde_json::{json, value::to_raw_value};

const ROUNDS: u32 = 20_000;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn measure<T>(what: &str, mut step: impl FnMut() -> T) {
    for _ in 0..ROUNDS / 10 {
        black_box(step());
    }
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(step());
    }
    let mean = start.elapsed() / ROUNDS;
    println!("{what:<24}{mean:>12.1?}");
}

fn main() {
    let rules = room_version_rules(&RoomVersionId::V12).expect("version 12 is supported");
    let server = server_name!("interieur.example");
    let mut seed = 7_u8;
    let key = SigningKey::generate(&mut |buffer| {
        for byte in buffer {
            seed = seed.wrapping_mul(31).wrapping_add(11);
            *byte = seed;
        }
    });
    let event_id = |letter: &str| -> OwnedEventId {
        format!("${}", letter.repeat(43)).try_into().expect("43 letters make an event id")
    };
    let content = json!({
        "msgtype": "m.text",
        "body": "é".repeat(200),
        "format": "org.matrix.custom.html",
        "formatted_body": "<b>x</b>".repeat(60),
        "m.mentions": { "user_ids": ["@awa:interieur.example"] },
    });
    let template = PduTemplate {
        room_id: Some(format!("!{}", "r".repeat(43)).try_into().expect("a room id")),
        sender: user_id!("@claire:interieur.example").to_owned(),
        event_type: "m.room.message".into(),
        state_key: None,
        content: to_raw_value(&content).expect("JSON"),
        redacts: None,
        prev_events: vec![event_id("p")],
        auth_events: vec![event_id("a"), event_id("b")],
        depth: uint!(7),
        origin_server_ts: MilliSecondsSinceUnixEpoch(UInt::new_saturating(1_700_000_000_000)),
        replaces_state: None,
        sticky: None,
    };
    println!("content: {} bytes", template.content.get().len());

    let build = || template.clone().build(rules, server, &key).expect("a valid event");
    let pdu = build();
    let now = pdu.origin_server_ts();
    measure("clone the template", || template.clone());
    measure("build and sign", build);
    measure("read from the store", || {
        Pdu::from_stored(pdu.event_id().to_owned(), pdu.json()).expect("a stored event")
    });
    measure("serve to a client", || ClientEvent::for_sync(&pdu).at(now).to_raw_value());
}
