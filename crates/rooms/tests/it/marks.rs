use std::time::Duration;

use pli_rooms::{Mark, ReceiptKind, ReceiptThreadKey, RoomError};
use pli_store::Position;
use ruma::event_id;

use crate::support::{Server, on_each_store, user};

fn read() -> Mark {
    Mark::Receipt(ReceiptKind::Read, ReceiptThreadKey::Unthreaded)
}

#[tokio::test]
async fn receipts_move_forward_only_and_readers_find_those_that_changed() {
    on_each_store(|server| async move {
        let room_id = server.public_room_of("claire").await;
        server.join("samir", &room_id).await.unwrap();
        let first = server.say("claire", &room_id, "un", "t1").await.unwrap();
        let second = server.say("claire", &room_id, "deux", "t2").await.unwrap();
        let rooms = &server.rooms;
        rooms.mark_read(&user("samir"), &room_id, &second, &read()).await.unwrap();
        let position = server.store.position().await.unwrap();
        rooms.mark_read(&user("samir"), &room_id, &first, &read()).await.unwrap();
        assert_eq!(server.store.position().await.unwrap(), position, "receipts don't go back");

        let private = Mark::Receipt(ReceiptKind::ReadPrivate, ReceiptThreadKey::Main);
        rooms.mark_read(&user("claire"), &room_id, &second, &private).await.unwrap();

        let snapshot = server.snapshot().await;
        let since = async |name: &str, position| {
            let receipts = rooms.receipts_since(&snapshot, &room_id, &user(name), position).await;
            receipts.unwrap()
        };
        let all = since("claire", Position::ZERO).await;
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].event_id, second);
        assert_eq!(all[1].thread, "main");
        // Samir doesn't learn what Claire read in private.
        assert_eq!(since("samir", Position::ZERO).await.len(), 1);
        assert_eq!(since("samir", position).await.len(), 0);
        drop(snapshot);

        // A receipt that moves is found once, at its new place.
        let third = server.say("claire", &room_id, "trois", "t3").await.unwrap();
        rooms.mark_read(&user("samir"), &room_id, &third, &read()).await.unwrap();
        let snapshot = server.snapshot().await;
        let all = rooms
            .receipts_since(&snapshot, &room_id, &user("samir"), Position::ZERO)
            .await
            .unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].event_id, third);
    })
    .await;
}

#[tokio::test]
async fn only_events_of_the_room_can_be_marked_as_read() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let other = server.room_of("claire").await;
    let elsewhere = server.say("claire", &other, "ailleurs", "t1").await.unwrap();
    for event_id in [&*elsewhere, event_id!("$unknown")] {
        let outcome = server.rooms.mark_read(&user("claire"), &room_id, event_id, &read()).await;
        assert!(matches!(outcome, Err(RoomError::UnknownEvent(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn typing_is_over_when_its_time_is_and_listeners_hear_of_it() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let typing = server.rooms.typing().clone();
    let mut changes = typing.subscribe();
    let timeout = Some(Duration::from_secs(30));
    server.rooms.set_typing(&user("claire"), &room_id, timeout).await.unwrap();
    assert_eq!(changes.recv().await.unwrap(), room_id);
    let started = typing.now(&room_id);
    assert_eq!(started.user_ids, [user("claire")]);

    server.clock.advance(Duration::from_secs(31));
    assert!(typing.now(&room_id).user_ids.is_empty());
    typing.expire(&room_id);
    assert_eq!(changes.recv().await.unwrap(), room_id);
    assert!(typing.now(&room_id).version > started.version);

    server.rooms.set_typing(&user("claire"), &room_id, timeout).await.unwrap();
    server.rooms.set_typing(&user("claire"), &room_id, None).await.unwrap();
    assert!(typing.now(&room_id).user_ids.is_empty());
}

#[tokio::test]
async fn tags_are_kept_side_by_side() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let (rooms, claire) = (&server.rooms, user("claire"));
    let order = serde_json::json!({ "order": 0.5 });
    rooms.set_tag(&claire, &room_id, "m.favourite", Some(order.clone())).await.unwrap();
    rooms.set_tag(&claire, &room_id, "u.projet", Some(serde_json::json!({}))).await.unwrap();
    rooms.set_tag(&claire, &room_id, "u.projet", None).await.unwrap();
    let tags = rooms.tags(&claire, &room_id).await.unwrap();
    assert_eq!(tags.len(), 1);
    assert_eq!(tags["m.favourite"], order);
}
