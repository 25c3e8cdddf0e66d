//! State that is resolved after a fork changes without an event that says so.

use pli_events::{PduTemplate, auth_event_types, room_version_rules};
use ruma::{
    MilliSecondsSinceUnixEpoch, RoomVersionId, UInt,
    events::{StateEventType, TimelineEventType},
    server_name, uint,
};
use serde_json::{json, value::to_raw_value};

use crate::support::{Server, state, texts, user};

/// Somebody who stays with the topic of a moderator who was banned would be shown what the room
/// doesn't say any more.
#[tokio::test]
async fn state_that_a_fork_brings_back_is_told() {
    let server = Server::new().await;
    let room_id = server.room_of(&["claire", "samir", "awa"]).await;
    let levels = json!({
        "users": { "@samir:pli.test": 50 },
        "events": {}, "state_default": 50,
    });
    server.set("claire", &room_id, StateEventType::RoomPowerLevels, levels).await;
    let topic = |text: &str| json!({ "topic": text });
    let first = server.set("claire", &room_id, StateEventType::RoomTopic, topic("un")).await;
    let fork = server.say("claire", &room_id, "ici").await;
    server.set("samir", &room_id, StateEventType::RoomTopic, topic("deux")).await;
    let since = server.begin("awa").await;

    // On another server, before it heard of his topic, he was banned.
    let snapshot = server.store.snapshot().await.unwrap();
    let parent = server.rooms.event(&snapshot, &fork).await.unwrap().unwrap();
    let rules = room_version_rules(&RoomVersionId::V12).unwrap();
    let content = to_raw_value(&json!({ "membership": "ban" })).unwrap();
    let samir = user("samir");
    let kind = TimelineEventType::RoomMember;
    let types =
        auth_event_types(&kind, &user("claire"), Some(samir.as_str()), &content, rules).unwrap();
    let mut auth_events = Vec::new();
    for (auth_type, key) in types {
        let root = parent.room_state;
        let found = server.rooms.state_event(&snapshot, root, &auth_type, &key).await.unwrap();
        auth_events.extend(found.map(|event| event.event_id().to_owned()));
    }
    drop(snapshot);
    let template = PduTemplate {
        room_id: Some(room_id.clone()),
        sender: user("claire"),
        event_type: kind,
        state_key: Some(samir.to_string()),
        content,
        redacts: None,
        prev_events: vec![fork.clone()],
        auth_events,
        depth: parent.pdu.depth() + uint!(1),
        origin_server_ts: MilliSecondsSinceUnixEpoch(UInt::new(1_700_000_000_500).unwrap()),
        replaces_state: None,
        sticky: None,
    };
    let ban = template.build(rules, server_name!("pli.test"), &server.key).unwrap();
    let ban_id = ban.event_id().to_string();
    server.rooms.receive(ban).await.unwrap();
    server.say("claire", &room_id, "suite").await;

    let before = server.sync("awa", Some(&since)).await;
    assert_eq!(texts(&before, &room_id), ["suite"]);
    let topic = ("m.room.topic".to_owned(), first.to_string());
    assert_eq!(state(&before, &room_id), std::slice::from_ref(&topic));
    let mut request = Server::request("awa", Some(&since));
    request.use_state_after = true;
    let after = server.sync.sync(&request, std::future::pending()).await.unwrap();
    assert_eq!(state(&after, &room_id), [("m.room.member".to_owned(), ban_id), topic]);
}
