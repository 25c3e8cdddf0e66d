use std::collections::{HashMap, HashSet};

use crate::support::on_each_store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_write_at_once_is_all_there_in_one_chain() {
    on_each_store(|server| async move {
        let room_id = server.public_room_of("claire").await;
        let mut writers = Vec::new();
        for writer in 0..16 {
            let name = format!("u{writer}");
            server.join(&name, &room_id).await.unwrap();
            let (server, room_id) = (server.rooms.clone(), room_id.clone());
            writers.push(tokio::spawn(async move {
                let mut sent = Vec::new();
                for number in 0..20 {
                    let message = pli_rooms::SendMessage {
                        sender: crate::support::user(&name),
                        device_id: "DEVICE".into(),
                        room_id: room_id.clone(),
                        event_type: ruma::events::TimelineEventType::RoomMessage,
                        content: crate::support::raw(
                            serde_json::json!({ "msgtype": "m.text", "body": number.to_string() }),
                        ),
                        transaction_id: format!("t{number}").into(),
                        timestamp: None,
                        sticky: None,
                    };
                    sent.push(server.send_message(message).await.unwrap());
                }
                sent
            }));
        }
        let mut acknowledged = HashSet::new();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        assert_eq!(acknowledged.len(), 16 * 20);

        let timeline = server.timeline(&room_id).await;
        let stored: HashSet<_> = timeline.iter().map(|event| event.event_id().to_owned()).collect();
        assert!(acknowledged.is_subset(&stored), "an acknowledged message is lost");
        for pair in timeline.windows(2) {
            assert_eq!(pair[1].pdu.prev_events(), [pair[0].event_id()], "one chain");
            assert!(pair[0].stamp < pair[1].stamp);
            assert_eq!(pair[1].pdu.depth(), pair[0].pdu.depth() + ruma::uint!(1));
        }
        // Each writer's messages are in the order in which they were sent.
        let mut last: HashMap<String, i32> = HashMap::new();
        for event in timeline.iter().filter(|event| event.pdu.state_key().is_none()) {
            let content: serde_json::Value = event.pdu.content_as().unwrap();
            let number: i32 = content["body"].as_str().unwrap().parse().unwrap();
            let before = last.insert(event.pdu.sender().to_string(), number).unwrap_or(-1);
            assert_eq!(number, before + 1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_store_lose_nothing_and_keep_one_chain() {
    on_each_store(|server| async move {
        let room_id = server.public_room_of("claire").await;
        server.join("samir", &room_id).await.unwrap();
        // Another node: it has its own memory, and only the room's head between them.
        let other = server.restarted();
        let (left, right) = tokio::join!(
            async {
                for number in 0..30 {
                    server.say("claire", &room_id, "a", &format!("t{number}")).await.unwrap();
                }
            },
            async {
                for number in 0..30 {
                    other.say("samir", &room_id, "b", &format!("t{number}")).await.unwrap();
                }
            },
        );
        let ((), ()) = (left, right);
        let timeline = server.restarted().timeline(&room_id).await;
        let messages = timeline.iter().filter(|event| event.pdu.state_key().is_none()).count();
        assert_eq!(messages, 60);
        for pair in timeline.windows(2) {
            assert_eq!(pair[1].pdu.prev_events(), [pair[0].event_id()], "one chain");
        }
    })
    .await;
}

#[tokio::test]
async fn what_another_process_allowed_is_allowed_here_at_once() {
    on_each_store(|server| async move {
        let room_id = server.public_room_of("claire").await;
        let other = server.restarted();
        other.say("claire", &room_id, "connue ici aussi", "t1").await.unwrap();
        // Samir comes in over there and writes here, where the room is remembered without him.
        other.join("samir", &room_id).await.unwrap();
        server.say("samir", &room_id, "bonjour", "t1").await.unwrap();
    })
    .await;
}
