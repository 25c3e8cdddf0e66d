use pli_rooms::RoomError;
use ruma::{OwnedRoomId, events::StateEventType, room_id};
use serde_json::json;

use crate::support::{Server, on_each_store, user};

#[tokio::test]
async fn a_message_is_stored_once_however_often_it_is_sent_even_across_a_restart() {
    on_each_store(|server| async move {
        let room_id = server.room_of("claire").await;
        let first = server.say("claire", &room_id, "bonjour", "t1").await.unwrap();
        assert_eq!(server.say("claire", &room_id, "bonjour", "t1").await.unwrap(), first);

        let restarted = server.restarted();
        assert_eq!(restarted.say("claire", &room_id, "bonjour", "t1").await.unwrap(), first);
        let second = restarted.say("claire", &room_id, "bonjour", "t2").await.unwrap();
        assert_ne!(second, first);

        let messages = restarted.timeline(&room_id).await;
        let sent: Vec<_> =
            messages.iter().filter(|event| event.pdu.state_key().is_none()).collect();
        assert_eq!(sent.len(), 2);
        let transaction = sent[0].transaction.as_ref().unwrap();
        assert_eq!(transaction.transaction_id, "t1");
    })
    .await;
}

#[tokio::test]
async fn a_message_is_stored_once_however_many_others_came_since() {
    on_each_store(|server| async move {
        let room_id = server.room_of("claire").await;
        let mut sent = server.chat("claire", &room_id, 0..40).await;
        let restarted = server.restarted();
        sent.extend(restarted.chat("claire", &room_id, 40..80).await);
        assert_eq!(restarted.chat("claire", &room_id, 0..80).await, sent);
        assert_eq!(server.restarted().chat("claire", &room_id, 0..80).await, sent);
        let messages = restarted.timeline(&room_id).await;
        assert_eq!(messages.iter().filter(|event| event.pdu.state_key().is_none()).count(), 80);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_id_is_its_devices_rooms_and_types_own() {
    let server = Server::new();
    let (one, other) = (server.room_of("claire").await, server.room_of("claire").await);
    let first = server.say("claire", &one, "bonjour", "t1").await.unwrap();
    let second = server.say("claire", &other, "bonjour", "t1").await.unwrap();
    assert_ne!(first, second);
    assert_eq!(server.say("claire", &one, "bonjour", "t1").await.unwrap(), first);
    assert_eq!(server.say("claire", &other, "bonjour", "t1").await.unwrap(), second);
}

#[tokio::test]
async fn repetitions_that_arrive_together_become_one_message() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let sends = (0..20).map(|_| server.say("claire", &room_id, "bonjour", "same"));
    let event_ids = futures_util::future::join_all(sends).await;
    let first = event_ids[0].as_ref().unwrap();
    assert!(event_ids.iter().all(|event_id| event_id.as_ref().unwrap() == first));
    let messages = server.timeline(&room_id).await;
    assert_eq!(messages.iter().filter(|event| event.pdu.state_key().is_none()).count(), 1);
}

#[tokio::test]
async fn old_transaction_ids_are_forgotten_and_new_ones_kept() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let first = server.say("claire", &room_id, "bonjour", "old").await.unwrap();
    server.chat("claire", &room_id, 0..100).await;
    server.clock.advance(std::time::Duration::from_secs(8 * 24 * 3600));
    let second = server.say("claire", &room_id, "rebonjour", "new").await.unwrap();
    let week = std::time::Duration::from_secs(7 * 24 * 3600);
    assert!(server.rooms.sweep_transactions(week).await.unwrap() > 0);
    assert_eq!(server.say("claire", &room_id, "rebonjour", "new").await.unwrap(), second);
    assert_ne!(server.say("claire", &room_id, "bonjour", "old").await.unwrap(), first);
}

#[tokio::test]
async fn a_caller_who_goes_away_loses_no_message() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let mut commits = server.store.subscribe();
    {
        let mut send = Box::pin(server.say("claire", &room_id, "bonjour", "t1"));
        // Polled once: the message is in the queue, its sender is gone.
        assert!(futures_util::poll!(&mut send).is_pending());
    }
    commits.recv().await.unwrap();
    let messages = server.timeline(&room_id).await;
    assert_eq!(messages.iter().filter(|event| event.pdu.state_key().is_none()).count(), 1);
}

#[tokio::test]
async fn setting_state_to_what_it_is_writes_nothing() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let name = json!({ "name": "Cabinet" });
    let first =
        server.set("claire", &room_id, StateEventType::RoomName, "", name.clone()).await.unwrap();
    let before = server.store.position().await.unwrap();
    let again = server.set("claire", &room_id, StateEventType::RoomName, "", name).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(server.store.position().await.unwrap(), before);
}

#[tokio::test]
async fn a_message_that_is_too_large_or_not_canonical_is_refused_and_others_go_on() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let long = "x".repeat(70_000);
    let (too_large, fine) = tokio::join!(
        server.say("claire", &room_id, &long, "t1"),
        server.say("claire", &room_id, "bonjour", "t2"),
    );
    assert!(matches!(too_large.unwrap_err(), RoomError::TooLarge(_)));
    fine.unwrap();
    let fraction = json!({ "name": 1.5 });
    let error =
        server.set("claire", &room_id, StateEventType::RoomName, "", fraction).await.unwrap_err();
    assert!(matches!(error, RoomError::Event(_) | RoomError::BadContent(_)), "{error:?}");
}

#[tokio::test]
async fn an_unknown_room_takes_nothing() {
    let server = Server::new();
    let nowhere: OwnedRoomId = room_id!("!nowhere:pli.test").to_owned();
    let error = server.say("claire", &nowhere, "bonjour", "t1").await.unwrap_err();
    assert!(matches!(error, RoomError::UnknownRoom(_)), "{error}");
}

#[tokio::test]
async fn an_alias_can_only_be_the_main_one_of_the_room_it_points_to() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let other = server.room_of("claire").await;
    let alias = ruma::room_alias_id!("#cabinet:pli.test");
    let content = json!({ "alias": alias });
    let canonical = StateEventType::RoomCanonicalAlias;
    let set = |room_id: OwnedRoomId| {
        let (server, canonical, content) = (&server, canonical.clone(), content.clone());
        async move { server.set("claire", &room_id, canonical, "", content).await }
    };
    assert!(matches!(set(room_id.clone()).await.unwrap_err(), RoomError::BadAlias(_)));
    server.rooms.add_alias(&user("claire"), alias, &other).await.unwrap();
    assert!(matches!(set(room_id).await.unwrap_err(), RoomError::BadAlias(_)));
    set(other.clone()).await.unwrap();

    // Taking the alias away takes it out of the room's state too.
    server.rooms.remove_alias(&user("claire"), alias).await.unwrap();
    let left = server.state_content(&other, StateEventType::RoomCanonicalAlias, "").await.unwrap();
    assert_eq!(left, json!({}));
    let error = server.rooms.resolve_alias(alias).await.unwrap_err();
    assert!(matches!(error, RoomError::UnknownAlias(_)), "{error}");
}
