use pli_rooms::{Redaction, Rooms, RoomsConfig, SendMessage};
use pli_store::Store;
use ruma::{
    OwnedEventId, OwnedRoomId,
    events::{StateEventType, TimelineEventType},
    server_name,
};
use serde_json::{Value, json};

use crate::support::{Server, on_each_store, raw, user};

async fn redact(
    rooms: &Rooms,
    name: &str,
    room_id: &OwnedRoomId,
    event_id: &OwnedEventId,
) -> Result<OwnedEventId, pli_rooms::RoomError> {
    rooms
        .redact(Redaction {
            sender: user(name),
            device_id: "DEVICE".into(),
            room_id: room_id.clone(),
            event_id: event_id.clone(),
            reason: Some("erreur".to_owned()),
            transaction_id: format!("redact {event_id}").into(),
        })
        .await
}

async fn content(server: &Server, event_id: &OwnedEventId) -> Value {
    let snapshot = server.snapshot().await;
    let event = server.rooms.event(&snapshot, event_id).await.unwrap().unwrap();
    event.pdu.content_as().unwrap()
}

/// Sends a message that refers to another one.
async fn refer(server: &Server, room_id: &OwnedRoomId, rel_type: &str, event_id: &OwnedEventId) {
    let content = json!({
        "msgtype": "m.text",
        "body": "* a word",
        "m.new_content": { "msgtype": "m.text", "body": "a word" },
        "m.relates_to": { "rel_type": rel_type, "event_id": event_id },
    });
    let message = SendMessage {
        sender: user("claire"),
        device_id: "DEVICE".into(),
        room_id: room_id.clone(),
        event_type: TimelineEventType::RoomMessage,
        content: raw(content),
        transaction_id: format!("{rel_type} {event_id}").into(),
        timestamp: None,
        sticky: None,
    };
    server.rooms.send_message(message).await.unwrap();
}

#[tokio::test]
async fn what_was_redacted_is_gone_from_memory_and_store() {
    on_each_store(|server| async move {
        let room_id = server.public_room_of("claire").await;
        server.join("samir", &room_id).await.unwrap();
        let secret = server.say("samir", &room_id, "secret", "t1").await.unwrap();
        assert_eq!(content(&server, &secret).await["body"], "secret");

        let redaction = redact(&server.rooms, "samir", &room_id, &secret).await.unwrap();
        for server in [&server, &server.restarted()] {
            assert_eq!(content(server, &secret).await, json!({}));
            let snapshot = server.snapshot().await;
            let event = server.rooms.event(&snapshot, &secret).await.unwrap().unwrap();
            assert_eq!(event.redacted_by.as_ref(), Some(&redaction));
            assert!(!event.pdu.json().contains("secret"));
            let samir = user("samir");
            let reader = pli_rooms::Reader { user_id: &samir, device_id: None };
            let shown: Vec<ruma::serde::Raw<Value>> =
                server.rooms.client_events(&snapshot, reader, &[event]).await.unwrap();
            let shown: Value = serde_json::from_str(shown[0].json().get()).unwrap();
            let because = &shown["unsigned"]["redacted_because"];
            assert_eq!(because["event_id"], redaction.as_str());
            assert_eq!(because["content"]["reason"], "erreur");
        }
    })
    .await;
}

/// Who began to read before another node redacted something must not bring it back for all.
#[tokio::test]
async fn a_reader_of_before_does_not_bring_back_what_another_node_redacted() {
    let server = Server::new();
    let other_node = server.restarted();
    let room_id = server.room_of("claire").await;
    let secret = server.say("claire", &room_id, "secret", "t1").await.unwrap();
    let mut following = std::pin::pin!(server.rooms.clone().follow_other_nodes());
    let before = server.snapshot().await;
    redact(&other_node.rooms, "claire", &room_id, &secret).await.unwrap();
    // It hears of all that happened, and waits for more.
    tokio::select! {
        biased;
        () = &mut following => unreachable!("the store is open"),
        () = std::future::ready(()) => {}
    }

    server.rooms.event(&before, &secret).await.unwrap().unwrap();

    assert_eq!(content(&server, &secret).await, json!({}));
}

/// What somebody took back would be there again, for good, because of an answer to it.
#[tokio::test]
async fn a_relation_does_not_write_back_what_another_node_redacted() {
    for rel_type in ["m.thread", "m.replace", "m.reference"] {
        let server = Server::new();
        let other_node = server.restarted();
        let room_id = server.room_of("claire").await;
        let secret = server.say("claire", &room_id, "secret", "t1").await.unwrap();
        // Who finds a new head reads the latest events again: this is none of them.
        server.chat("claire", &room_id, 0..100).await;
        assert_eq!(content(&server, &secret).await["body"], "secret");
        redact(&other_node.rooms, "claire", &room_id, &secret).await.unwrap();

        // It has not heard of it.
        refer(&server, &room_id, rel_type, &secret).await;

        assert_eq!(content(&server.restarted(), &secret).await, json!({}), "{rel_type}");
        assert_eq!(content(&server, &secret).await, json!({}), "{rel_type}");
    }
}

/// The replies would still be there, but nothing would lead people to them.
#[tokio::test]
async fn a_redaction_keeps_the_thread_that_another_node_began() {
    let server = Server::new();
    let other_node = server.restarted();
    let room_id = server.room_of("claire").await;
    let root = server.say("claire", &room_id, "root", "t1").await.unwrap();
    server.chat("claire", &room_id, 0..100).await;
    assert_eq!(content(&server, &root).await["body"], "root");
    refer(&other_node, &room_id, "m.thread", &root).await;

    // It has not heard of it.
    redact(&server.rooms, "claire", &room_id, &root).await.unwrap();

    let snapshot = server.snapshot().await;
    let stored = server.restarted().rooms.event(&snapshot, &root).await.unwrap().unwrap();
    assert!(stored.redacted_by.is_some() && stored.related.threaded);
}

/// Who began to read before a redaction must not bring it back for all, once it left the memory.
#[tokio::test]
async fn a_reader_of_before_does_not_bring_back_what_was_redacted() {
    let mut config = RoomsConfig::new(server_name!("pli.test").to_owned());
    config.event_cache_bytes = 64 * 1024;
    let server = Server::with(Store::memory(), config);
    let room_id = server.room_of("claire").await;
    let secret = server.say("claire", &room_id, "secret", "t1").await.unwrap();
    let before = server.snapshot().await;
    redact(&server.rooms, "claire", &room_id, &secret).await.unwrap();
    // What is read often stays in memory, and nothing else.
    let often = server.chat("claire", &room_id, 0..200).await;
    for event_id in often.iter().flat_map(|event_id| [event_id; 3]) {
        content(&server, event_id).await;
    }

    let read = server.rooms.event(&before, &secret).await.unwrap().unwrap();
    assert!(read.pdu.json().contains("secret"), "it was read again");

    assert_eq!(content(&server, &secret).await, json!({}));
}

#[tokio::test]
async fn a_message_and_its_redaction_can_be_sent_at_once() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let first = server.say("claire", &room_id, "un", "t1").await.unwrap();
    let (second, redaction) = tokio::join!(
        server.say("claire", &room_id, "deux", "t2"),
        redact(&server.rooms, "claire", &room_id, &first),
    );
    second.unwrap();
    redaction.unwrap();
    assert_eq!(content(&server, &first).await, json!({}));
}

#[tokio::test]
async fn moderators_redact_what_others_said() {
    let server = Server::new();
    let room_id = server.public_room_of("claire").await;
    server.join("samir", &room_id).await.unwrap();
    let insult = server.say("samir", &room_id, "insulte", "t1").await.unwrap();
    redact(&server.rooms, "claire", &room_id, &insult).await.unwrap();
    assert_eq!(content(&server, &insult).await, json!({}));
}

#[tokio::test]
async fn a_redacted_name_is_gone_from_lists_too() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let name = json!({ "name": "malheureux" });
    let event_id =
        server.set("claire", &room_id, StateEventType::RoomName, "", name).await.unwrap();
    redact(&server.rooms, "claire", &room_id, &event_id).await.unwrap();
    let snapshot = server.snapshot().await;
    let (summary, _) = server.rooms.summary(&snapshot, &room_id).await.unwrap().unwrap();
    assert_eq!(summary.name, None);
}

#[tokio::test]
async fn events_of_other_rooms_cant_be_redacted_from_here() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let other = server.room_of("claire").await;
    let elsewhere = server.say("claire", &other, "ailleurs", "t1").await.unwrap();
    assert!(redact(&server.rooms, "claire", &room_id, &elsewhere).await.is_err());
    assert_eq!(content(&server, &elsewhere).await["body"], "ailleurs");
}
