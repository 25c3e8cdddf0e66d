//! Reading a room's past.

use serde_json::{Value, json};

use crate::{
    support::TestServer,
    sync::{Client, V3, members},
};

/// Old clients leave the direction out; they would be told that something is missing instead of
/// that the room is not theirs.
#[tokio::test]
async fn who_names_no_direction_reads_from_the_beginning() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let messages = format!("{V3}/rooms/{room_id}/messages");
    let page = server.get(&samir, &format!("{messages}?limit=2")).await.ok();
    assert_eq!(page["chunk"][0]["type"], "m.room.create");

    server.act(&samir, &room_id, "leave", None).await;
    server.act(&samir, &room_id, "forget", None).await;
    server.get(&samir, &messages).await.refused(403, "M_FORBIDDEN");
    server.get(&claire, &format!("{messages}?dir=sideways")).await.refused(400, "M_INVALID_PARAM");
}

/// Who loads a room's members with the first timeline that they got would find it empty.
#[tokio::test]
async fn the_members_at_the_start_of_ones_first_timeline_are_those_who_were_there() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire]).await;
    let (_, initial) = Client::start_with(&server, &claire, "").await;
    let start = &initial["rooms"]["join"][&room_id]["timeline"]["prev_batch"];
    server.join(&samir, &room_id).await;

    let path = format!("{V3}/rooms/{room_id}/members?at={}", start.as_str().unwrap());
    let answer = server.get(&claire, &path).await.ok();
    assert_eq!(members(&answer["chunk"]), [&claire.user_id]);
    // He wasn't in it then, and sees who was there when he came.
    let answer = server.get(&samir, &path).await.ok();
    assert_eq!(members(&answer["chunk"]), [&claire.user_id, &samir.user_id]);
}

/// Clients look for the keys and fail where there are none.
#[tokio::test]
async fn joined_members_without_a_picture_say_so() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let answer = server.get(&claire, &format!("{V3}/rooms/{room_id}/joined_members")).await.ok();
    let expected = json!({ "display_name": "claire", "avatar_url": null });
    assert_eq!(answer["joined"][&claire.user_id], expected);
}

#[tokio::test]
async fn what_somebody_says_when_they_join_is_in_their_membership() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    let room_id = server.room_of(&[&claire]).await;
    let body = json!({
        "reason": "bonjour",
        "foo": "bar",
        "membership": "ban",
        "displayname": "La direction",
        "join_authorised_via_users_server": claire.user_id,
    });
    server.post(&samir, &format!("{V3}/rooms/{room_id}/join"), body.clone()).await.ok();
    server.post(&awa, &format!("{V3}/join/{room_id}"), body).await.ok();
    for (person, name) in [(&samir, "samir"), (&awa, "awa")] {
        let path = format!("{V3}/rooms/{room_id}/state/m.room.member/{}", person.user_id);
        let content: Value = server.get(person, &path).await.ok();
        let expected = json!({
            "membership": "join", "displayname": name, "reason": "bonjour", "foo": "bar",
        });
        assert_eq!(content, expected);
    }
    let path = format!("{V3}/rooms/{room_id}/join");
    server.post(&samir, &path, json!([])).await.refused(400, "M_BAD_JSON");
}
