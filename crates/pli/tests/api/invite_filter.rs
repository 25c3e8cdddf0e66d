//! Whose invitations people want (MSC4155, MSC4380).

use serde_json::{Value, json};

use crate::{
    sliding_sync::Connection,
    support::{Answer, Person, TestServer},
};

const LISTS: &str = "org.matrix.msc4155.invite_permission_config";

async fn configure(server: &TestServer, person: &Person, event_type: &str, content: Value) {
    let path = format!("/_matrix/client/v3/user/{}/account_data/{event_type}", person.user_id);
    server.put(person, &path, content).await.ok();
}

async fn invite(server: &TestServer, by: &Person, invited: &Person) -> Answer {
    let room = server.create_room(by, json!({ "preset": "private_chat" })).await;
    let path = format!("/_matrix/client/v3/rooms/{room}/invite");
    server.post(by, &path, json!({ "user_id": invited.user_id })).await
}

async fn invitations(server: &TestServer, person: &Person) -> usize {
    let rooms = &server.sync(person, "").await["rooms"];
    rooms["invite"].as_object().map_or(0, serde_json::Map::len)
}

/// Who is harassed by invitations must be able to end it.
#[tokio::test]
async fn blocked_people_are_told_so() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let hugo = server.sign_up("hugo").await;
    let rules = json!({ "blocked_users": ["@sam*"], "allowed_users": [hugo.user_id] });
    configure(&server, &claire, LISTS, rules).await;
    invite(&server, &samir, &claire).await.refused(403, "M_INVITE_BLOCKED");
    let at_creation = json!({ "invite": [claire.user_id] });
    server
        .post(&samir, "/_matrix/client/v3/createRoom", at_creation)
        .await
        .refused(403, "M_INVITE_BLOCKED");
    let room = server.create_room(&samir, json!({})).await;
    let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.member/{}", claire.user_id);
    let set = server.put(&samir, &path, json!({ "membership": "invite" })).await;
    set.refused(403, "M_INVITE_BLOCKED");
    assert_eq!(invitations(&server, &claire).await, 0);
    invite(&server, &hugo, &claire).await.ok();
    assert_eq!(invitations(&server, &claire).await, 1);
}

/// Who must not learn that they are ignored sees nothing of it.
#[tokio::test]
async fn ignored_invitations_are_not_shown() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    configure(&server, &claire, LISTS, json!({ "ignored_servers": ["pli.*"] })).await;
    invite(&server, &samir, &claire).await.ok();
    let rooms = &server.sync(&claire, "").await["rooms"];
    assert!(rooms.get("invite").is_none(), "{rooms}");
}

/// One switch for everybody, and what is not of its form changes nothing.
#[tokio::test]
async fn all_invitations_can_be_blocked() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    configure(&server, &claire, LISTS, json!({ "blocked_users": null, "ignored_users": 1 })).await;
    invite(&server, &samir, &claire).await.ok();
    for event_type in ["m.invite_permission_config", "org.matrix.msc4380.invite_permission_config"]
    {
        configure(&server, &claire, event_type, json!({ "default_action": "block" })).await;
        invite(&server, &samir, &claire).await.refused(403, "M_INVITE_BLOCKED");
        configure(&server, &claire, event_type, json!({ "default_action": "allow" })).await;
        invite(&server, &samir, &claire).await.ok();
    }
}

/// An invitation that nobody is to see would stand in an app's list as a room without a name, be
/// listed as a notification and ring.
#[tokio::test]
async fn ignored_invitations_stand_in_no_list() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let hugo = server.sign_up("hugo").await;
    let path = format!("/_matrix/client/v3/user/{}/account_data", claire.user_id);
    let people = json!({ "ignored_users": { &samir.user_id: {} } });
    server.put(&claire, &format!("{path}/m.ignored_user_list"), people).await.ok();
    configure(&server, &claire, LISTS, json!({ "ignored_users": [hugo.user_id] })).await;
    let mut connection = Connection::window(&server, &claire, 0, 9);
    assert_eq!(connection.sync().await["lists"]["rooms"]["count"], 0);
    invite(&server, &samir, &claire).await.ok();
    invite(&server, &hugo, &claire).await.ok();
    let answer = connection.sync().await;
    assert_eq!(answer["lists"]["rooms"]["count"], 0, "{answer}");
    assert_eq!(answer["rooms"], json!({}));
    let notified = "/_matrix/client/v3/notifications";
    let listed = server.get(&claire, notified).await.ok();
    assert_eq!(listed["notifications"], json!([]));

    // Who changes their mind finds the invitation.
    server
        .put(&claire, &format!("{path}/m.ignored_user_list"), json!({ "ignored_users": {} }))
        .await
        .ok();
    let answer = connection.sync().await;
    assert_eq!(answer["lists"]["rooms"]["count"], 1, "{answer}");
    let listed = server.get(&claire, notified).await.ok();
    assert_eq!(listed["notifications"].as_array().unwrap().len(), 1);
}
