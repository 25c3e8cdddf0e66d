//! What may be said in a room and what not.

use serde_json::json;

use crate::{support::TestServer, sync::V3};

/// A second create event, or a membership of nobody, would be refused by every other server.
#[tokio::test]
async fn a_room_is_created_once_and_memberships_have_their_user() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let room = format!("{V3}/rooms/{room_id}");
    for path in [
        format!("{room}/state/m.room.create"),
        format!("{room}/send/m.room.create/t1"),
        format!("{room}/send/m.room.member/t2"),
    ] {
        let body = json!({ "membership": "join" });
        server.put(&claire, &path, body).await.refused(400, "M_BAD_JSON");
    }
    // A client's mistake that is an ordinary message.
    let path = format!("{room}/send/m.room.join_rules/t3");
    server.put(&claire, &path, json!({ "join_rule": "invite" })).await.ok();
}

/// Who vouches for somebody's join is for the server to say: a client that copies its own
/// membership would be refused for what it didn't write.
#[tokio::test]
async fn nobody_vouches_for_themselves() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let content = json!({
        "membership": "join",
        "displayname": "samir",
        "join_authorised_via_users_server": "unused",
    });
    let key = format!("m.room.member/{}", samir.user_id);
    server.set_state(&samir, &room_id, &key, content).await;
    let path = format!("{V3}/rooms/{room_id}/state/{key}");
    let told = server.get(&samir, &path).await.ok();
    assert_eq!(told, json!({ "membership": "join", "displayname": "samir" }));
}

/// People whose apps write no `m.mentions` would call for somebody who is not told.
#[tokio::test]
async fn a_name_in_the_text_is_a_mention_unless_the_message_says_whom_it_mentions() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let text = |body: &str| json!({ "msgtype": "m.text", "body": body });
    server.write_content(&claire, &room_id, "t1", text("@samir:pli.test: tu viens ?")).await;
    server.write_content(&claire, &room_id, "t2", text("Samir, tu viens ?")).await;
    server.write_content(&claire, &room_id, "t3", text("samirs")).await;
    let mut precise = text("samir est absent");
    precise["m.mentions"] = json!({});
    server.write_content(&claire, &room_id, "t4", precise).await;
    let answer = server.sync(&samir, "").await;
    let unread = &answer["rooms"]["join"][&room_id]["unread_notifications"];
    assert_eq!(*unread, json!({ "notification_count": 4, "highlight_count": 2 }));
}

/// Who takes an alias away from a room without knowing would send people elsewhere.
#[tokio::test]
async fn an_alias_that_is_taken_is_a_conflict_and_a_list_entry_is_public_by_default() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let first = server.create_room(&claire, json!({})).await;
    let second = server.create_room(&claire, json!({})).await;
    let alias = format!("{V3}/directory/room/%23cantine%3Apli.test");
    server.put(&claire, &alias, json!({ "room_id": first })).await.ok();
    server.put(&claire, &alias, json!({ "room_id": second })).await.refused(409, "M_UNKNOWN");

    let list = format!("{V3}/directory/list/room/{first}");
    server.put(&claire, &list, json!({})).await.ok();
    assert_eq!(server.get(&claire, &list).await.ok()["visibility"], "public");
    server.put(&claire, &list, json!({ "visibility": "private" })).await.ok();
    assert_eq!(server.get(&claire, &list).await.ok()["visibility"], "private");
}
