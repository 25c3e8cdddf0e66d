use pli_accounts::{AccountData, AccountsError};
use pli_store::Position;
use ruma::{UserId, room_id, user_id};
use serde_json::value::{RawValue, to_raw_value};

use crate::support::World;

fn claire() -> &'static UserId {
    user_id!("@claire:interieur.example")
}

fn content(number: u64) -> Box<RawValue> {
    to_raw_value(&serde_json::json!({ "number": number })).unwrap()
}

async fn changes(world: &World, since: Position) -> Vec<(Option<String>, String, String)> {
    let snapshot = world.store.snapshot().await.unwrap();
    let events = AccountData::changes(&snapshot, claire(), since).await.unwrap();
    events
        .into_iter()
        .map(|event| {
            let room = event.room_id.map(|room_id| room_id.to_string());
            (room, event.event_type, event.content.get().to_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_client_that_was_away_gets_the_last_state_of_what_changed_and_nothing_else() {
    let world = World::open();
    let data = &world.services.account_data;
    let room = room_id!("!room:interieur.example");
    data.put(claire(), None, "a", &content(1)).await.unwrap();
    data.put(claire(), Some(room), "a", &content(2)).await.unwrap();
    let since = world.store.position().await.unwrap();
    assert_eq!(changes(&world, since).await, []);

    for number in 3..10 {
        data.put(claire(), None, "b", &content(number)).await.unwrap();
    }
    data.put(claire(), Some(room), "a", &content(10)).await.unwrap();
    data.put(user_id!("@samir:interieur.example"), None, "a", &content(11)).await.unwrap();
    assert_eq!(
        changes(&world, since).await,
        [
            (None, "b".to_owned(), content(9).get().to_owned()),
            (Some(room.to_string()), "a".to_owned(), content(10).get().to_owned()),
        ]
    );
    let snapshot = world.store.snapshot().await.unwrap();
    assert_eq!(AccountData::all(&snapshot, claire()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn writing_the_same_again_wakes_nobody() {
    let world = World::open();
    let data = &world.services.account_data;
    data.put(claire(), None, "a", &content(1)).await.unwrap();
    let position = world.store.position().await.unwrap();
    data.put(claire(), None, "a", &content(1)).await.unwrap();
    assert_eq!(world.store.position().await.unwrap(), position);
}

#[tokio::test]
async fn many_changes_come_in_full() {
    let world = World::open();
    let data = &world.services.account_data;
    for number in 0..1_100 {
        data.put(claire(), None, &format!("type{number}"), &content(number)).await.unwrap();
    }
    assert_eq!(changes(&world, Position::ZERO).await.len(), 1_100);
    let snapshot = world.store.snapshot().await.unwrap();
    assert_eq!(AccountData::all(&snapshot, claire()).await.unwrap().len(), 1_100);
}

#[tokio::test]
async fn what_has_its_own_endpoint_or_is_no_object_is_refused() {
    let world = World::open();
    let data = &world.services.account_data;
    for reserved in ["m.fully_read", "m.push_rules"] {
        let outcome = data.put(claire(), None, reserved, &content(1)).await;
        assert!(matches!(outcome, Err(AccountsError::ReservedType(_))), "{outcome:?}");
    }
    let array = to_raw_value(&[1]).unwrap();
    let outcome = data.put(claire(), None, "a", &array).await;
    assert!(matches!(outcome, Err(AccountsError::BadJson(_))), "{outcome:?}");
    let large = to_raw_value(&serde_json::json!({ "x": "y".repeat(256 * 1024) })).unwrap();
    let outcome = data.put(claire(), None, "a", &large).await;
    assert!(matches!(outcome, Err(AccountsError::TooLarge(_))), "{outcome:?}");
}
