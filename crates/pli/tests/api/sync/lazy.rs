//! Members that are loaded lazily: a large room's list of members is not sent along, but nobody who
//! speaks is without a name.

use serde_json::json;

use super::{Client, filter, members};
use crate::support::{Person, TestServer};

async fn room_of_many(server: &TestServer) -> (Vec<Person>, String) {
    let mut people = Vec::new();
    for name in ["claire", "samir", "awa", "hugo", "lea", "nora", "paul", "rose", "theo"] {
        people.push(server.sign_up(name).await);
    }
    let everybody: Vec<&Person> = people.iter().collect();
    let room_id = server.room_of(&everybody).await;
    server.name_room(&people[0], &room_id, "Cantine").await;
    // Their arrivals are beyond the timeline.
    for number in 0..25 {
        server.write(&people[0], &room_id, &format!("n{number}")).await;
    }
    (people, room_id)
}

fn lazy(redundant: bool) -> String {
    filter(&json!({ "room": { "state": {
        "lazy_load_members": true,
        "include_redundant_members": redundant,
    } } }))
}

#[tokio::test]
async fn only_members_that_are_needed_are_told_and_each_once() {
    let server = TestServer::start().await;
    let (people, room_id) = room_of_many(&server).await;
    let [claire, samir, awa, ..] = people.as_slice() else { unreachable!() };
    let (mut client, initial) = Client::start_with(&server, samir, &lazy(false)).await;
    let state = &initial["rooms"]["join"][&room_id]["state"]["events"];
    assert_eq!(members(state), [&claire.user_id, &samir.user_id]);

    server.write(awa, &room_id, "un").await;
    server.write(claire, &room_id, "deux").await;
    let since = client.since.clone();
    let answer = client.sync().await;
    let state = &answer["rooms"]["join"][&room_id]["state"]["events"];
    assert_eq!(members(state), [&awa.user_id]);

    // The answer was lost: she is told again.
    client.since = since;
    let answer = client.sync().await;
    let state = &answer["rooms"]["join"][&room_id]["state"]["events"];
    assert_eq!(members(state), [&awa.user_id]);
    server.write(awa, &room_id, "trois").await;
    let answer = client.sync().await;
    assert!(answer["rooms"]["join"][&room_id]["state"].is_null(), "{answer}");

    client.parameters = lazy(true);
    server.write(awa, &room_id, "quatre").await;
    let answer = client.sync().await;
    let state = &answer["rooms"]["join"][&room_id]["state"]["events"];
    assert_eq!(members(state), [&awa.user_id]);
}

#[tokio::test]
async fn whoever_gives_a_room_its_name_is_told_with_it() {
    let server = TestServer::start().await;
    let (people, room_id) = room_of_many(&server).await;
    server.name_room(&people[0], &room_id, "").await;
    let (_, initial) = Client::start_with(&server, &people[8], &lazy(false)).await;
    let room = &initial["rooms"]["join"][&room_id];
    let heroes = room["summary"]["m.heroes"].as_array().unwrap();
    assert_eq!(heroes.len(), 5);
    let told = members(&room["state"]["events"]);
    for hero in heroes {
        assert!(told.contains(&hero.as_str().unwrap()), "{told:?}");
    }
}

#[tokio::test]
async fn members_who_changed_in_a_gap_are_told() {
    let server = TestServer::start().await;
    let (people, room_id) = room_of_many(&server).await;
    let (mut client, _) = Client::start_with(&server, &people[1], &lazy(false)).await;
    server.act(&people[3], &room_id, "leave", None).await;
    for number in 0..25 {
        server.write(&people[2], &room_id, &format!("g{number}")).await;
    }
    let answer = client.sync().await;
    let room = &answer["rooms"]["join"][&room_id];
    assert_eq!(members(&room["state"]["events"]), [&people[2].user_id, &people[3].user_id]);
    assert_eq!(room["summary"]["m.joined_member_count"], 8);
}
