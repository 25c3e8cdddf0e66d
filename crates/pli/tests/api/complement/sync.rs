//! The form of sync answers.

use serde_json::json;

use crate::{
    support::TestServer,
    sync::{Client, filter, keys, texts},
};

/// Clients that find no `limited` take the room for one that they were not told of.
#[tokio::test]
async fn a_timeline_always_says_whether_it_is_whole() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let (_, initial) = Client::start_with(&server, &claire, "").await;
    let room = &initial["rooms"]["join"][&room_id];
    assert_eq!(room["timeline"]["limited"], false, "{room}");
    assert_eq!(room["account_data"]["events"], json!([]));
}

/// A client would take the part of a room's past that it got for all of it, and leave a hole.
#[tokio::test]
async fn a_room_with_a_past_is_limited_when_somebody_joins_it() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire]).await;
    for text in ["un", "deux", "trois"] {
        server.write(&claire, &room_id, text).await;
    }
    let parameters = filter(&json!({ "room": {
        "timeline": { "types": ["m.room.message"], "limit": 10 },
        "state": { "types": [] },
    } }));
    let (mut client, _) = Client::start_with(&server, &samir, &parameters).await;
    server.join(&samir, &room_id).await;
    let answer = client.sync().await;
    let timeline = &answer["rooms"]["join"][&room_id]["timeline"];
    assert_eq!(timeline["limited"], true, "{timeline}");
    assert_eq!(texts(&timeline["events"]), ["un", "deux", "trois"]);

    // One's own new room has no other past than what is told.
    let mut client = Client::start(&server, &samir).await;
    let room_id = server.room_of(&[&samir]).await;
    let answer = client.sync().await;
    let timeline = &answer["rooms"]["join"][&room_id]["timeline"];
    assert_eq!(timeline["limited"], false, "{timeline}");
}

#[tokio::test]
async fn a_room_that_was_left_has_an_empty_timeline_if_none_is_wanted() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    server.set_state(&claire, &room_id, "a.madeup.state/", json!({ "say": "before" })).await;
    server.act(&samir, &room_id, "leave", None).await;
    server.set_state(&claire, &room_id, "a.madeup.state/", json!({ "say": "after" })).await;

    let parameters =
        filter(&json!({ "room": { "include_leave": true, "timeline": { "limit": 0 } } }));
    let (_, initial) = Client::start_with(&server, &samir, &parameters).await;
    let room = &initial["rooms"]["leave"][&room_id];
    assert_eq!(room["timeline"]["events"], json!([]), "{room}");
    let state = &room["state"]["events"];
    let told = keys(state);
    let of = |event_type: &str, key: &str| {
        &state[told.iter().position(|told| *told == (event_type, key)).unwrap()]
    };
    assert_eq!(of("m.room.member", &samir.user_id)["content"]["membership"], "leave");
    assert_eq!(of("a.madeup.state", "")["content"]["say"], "before");
}

/// A thread's receipt would bring the rest of the room's unread messages back (MSC4102).
#[tokio::test]
async fn the_receipt_for_the_whole_room_wins_over_a_threads_on_the_same_message() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let event_id = server.write(&claire, &room_id, "bonjour").await;
    let mut client = Client::start(&server, &claire).await;
    server.read(&samir, &room_id, &event_id, "m.read").await;
    server.read_in(&samir, &room_id, &event_id, "m.read", json!({ "thread_id": "main" })).await;
    let answer = client.sync().await;
    let events = &answer["rooms"]["join"][&room_id]["ephemeral"]["events"];
    let receipt = &events[0]["content"][&event_id]["m.read"][&samir.user_id];
    assert!(receipt["ts"].is_number() && receipt["thread_id"].is_null(), "{events}");
}

/// Element Web asks for it by its name of before.
#[tokio::test]
async fn state_at_the_end_of_the_timeline_comes_under_the_name_that_was_asked_for() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let unstable = "org.matrix.msc4222.use_state_after";
    for (asked, told) in [
        ("&use_state_after=true".to_owned(), "state_after"),
        (format!("&{unstable}=true"), "org.matrix.msc4222.state_after"),
        (format!("&{unstable}=true&use_state_after=true"), "state_after"),
        (format!("&{unstable}=false"), "state"),
    ] {
        let (_, initial) = Client::start_with(&server, &claire, &asked).await;
        let room = &initial["rooms"]["join"][&room_id];
        // The whole state is in the timeline: what comes before it is empty, and left out.
        assert_eq!(room[told].is_object(), told != "state", "{asked}: {room}");
        let names = ["state", "state_after", "org.matrix.msc4222.state_after"];
        assert!(names.iter().all(|name| name == &told || room[*name].is_null()), "{room}");
    }
}
