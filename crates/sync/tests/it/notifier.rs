//! Who is woken by what, and what an empty answer costs.

use std::time::Duration;

use pli_rooms::MembershipChange;
use pli_store::{Batch, Keyspace};
use pli_sync::{Changes, News};

use crate::support::{Server, texts, user};

/// More than the store keeps for slow subscribers.
const MANY_COMMITS: u64 = 20_000;
const ELSEWHERE: Keyspace<u64, u64> = Keyspace::new("elsewhere");

/// Whoever is in many rooms would otherwise pay for all of them with every poll.
#[tokio::test]
async fn an_account_in_many_rooms_visits_only_those_with_news() {
    let server = Server::new().await;
    let mut rooms = Vec::new();
    for _ in 0..300 {
        rooms.push(server.room_of(&["claire"]).await);
    }
    let since = server.begin("claire").await;
    assert_eq!(server.changes("claire", &since).await, Changes::Nothing);
    server.say("claire", &rooms[7], "un").await;
    let expected = News { rooms: vec![rooms[7].clone()], ..News::default() };
    assert_eq!(server.changes("claire", &since).await, Changes::Some(expected));
    let answer = server.sync("claire", Some(&since)).await;
    assert_eq!(answer.rooms.join.len(), 1);
    assert_eq!(server.changes("claire", &answer.next_batch).await, Changes::Nothing);
}

#[tokio::test]
async fn other_rooms_and_other_people_wake_nobody() {
    let server = Server::new().await;
    let own = server.room_of(&["claire"]).await;
    let other = server.room_of(&["samir", "awa"]).await;
    let since = server.begin("claire").await;
    server.begin("samir").await;
    let woken = server.sync.notifier().watch(&user("claire")).unwrap();
    for number in 0..50 {
        server.say("samir", &other, &format!("n{number}")).await;
    }
    server.rooms.leave(MembershipChange::new(user("awa"), other.clone())).await.unwrap();
    server.rooms.typing().start(&other, &user("samir"), Duration::from_secs(30));
    assert_eq!(server.changes("claire", &since).await, Changes::Nothing);
    assert!(!woken.has_changed().unwrap());
    server.say("claire", &own, "un").await;
    assert_ne!(server.changes("claire", &since).await, Changes::Nothing);
    assert!(woken.has_changed().unwrap());
}

#[tokio::test]
async fn whoever_left_is_not_woken_by_the_room_any_more() {
    let server = Server::new().await;
    let room_id = server.room_of(&["claire", "samir"]).await;
    server.begin("samir").await;
    server.rooms.leave(MembershipChange::new(user("samir"), room_id.clone())).await.unwrap();
    let since = server.begin("samir").await;
    server.say("claire", &room_id, "secret").await;
    assert_eq!(server.changes("samir", &since).await, Changes::Nothing);
    server.rooms.join(MembershipChange::new(user("samir"), room_id.clone())).await.unwrap();
    let since = server.sync("samir", Some(&since)).await.next_batch;
    server.say("claire", &room_id, "bonjour").await;
    let answer = server.sync("samir", Some(&since)).await;
    assert_eq!(texts(&answer, &room_id), ["bonjour"]);
}

#[tokio::test]
async fn whoever_was_away_for_long_misses_nothing() {
    let server = Server::new().await;
    let room_id = server.room_of(&["claire", "samir"]).await;
    let since = server.begin("claire").await;
    server.say("samir", &room_id, "un").await;
    server.clock.advance(Duration::from_secs(60 * 60));
    // Somebody else's sync lets go of those who were not seen for long.
    server.begin("samir").await;
    assert!(server.sync.notifier().watch(&user("claire")).is_none());
    assert_eq!(server.changes("claire", &since).await, Changes::Unknown);
    server.say("samir", &room_id, "deux").await;
    let answer = server.sync("claire", Some(&since)).await;
    assert_eq!(texts(&answer, &room_id), ["un", "deux"]);
    assert_eq!(server.changes("claire", &answer.next_batch).await, Changes::Nothing);
}

#[tokio::test]
async fn somebody_who_waits_is_not_let_go() {
    let server = Server::new().await;
    server.room_of(&["claire"]).await;
    server.begin("claire").await;
    let woken = server.sync.notifier().watch(&user("claire")).unwrap();
    server.clock.advance(Duration::from_secs(60 * 60));
    server.begin("samir").await;
    assert!(server.sync.notifier().watch(&user("claire")).is_some());
    drop(woken);
}

/// A burst of commits can be more than the notifier is told of one by one.
#[tokio::test]
async fn a_notifier_that_fell_behind_loses_nothing() {
    let server = Server::new().await;
    let room_id = server.room_of(&["claire", "samir"]).await;
    let since = server.begin("claire").await;
    let mut woken = server.sync.notifier().watch(&user("claire")).unwrap();
    server.say("samir", &room_id, "un").await;
    for number in 0..MANY_COMMITS {
        let mut batch = Batch::new();
        batch.put(&ELSEWHERE, number, &number);
        server.store.commit(batch).await.unwrap();
    }
    server.say("samir", &room_id, "deux").await;
    // Whoever waits is woken, or looks again because the notifier starts afresh.
    drop(woken.changed().await);
    let answer = server.sync("claire", Some(&since)).await;
    assert_eq!(texts(&answer, &room_id), ["un", "deux"]);
    server.say("samir", &room_id, "trois").await;
    let answer = server.sync("claire", Some(&answer.next_batch)).await;
    assert_eq!(texts(&answer, &room_id), ["trois"]);
    assert_eq!(server.changes("claire", &answer.next_batch).await, Changes::Nothing);
}
