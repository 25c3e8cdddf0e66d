//! Windows and filters.

use serde_json::{Value, json};

use super::{Connection, ids, list, rooms_of, sorted, told};
use crate::{support::TestServer, sync::texts};

#[tokio::test]
async fn an_app_sees_its_latest_rooms_first_and_the_rest_as_it_asks_for_more() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 5).await;
    let mut connection = Connection::window(&server, &claire, 0, 1);

    let answer = connection.sync().await;
    assert_eq!(answer["lists"]["rooms"]["count"], 5);
    assert_eq!(ids(&answer), sorted(&rooms[3..]));
    let latest = &answer["rooms"][&rooms[4]];
    assert_eq!(latest["initial"], true);
    assert_eq!(latest["name"], "4");
    assert_eq!(latest["membership"], "join");
    assert_eq!(latest["lists"], json!(["rooms"]));
    assert_eq!(latest["limited"], true);
    assert_eq!(latest["num_live"], 0);
    assert_eq!(latest["joined_count"], 1);
    assert_eq!(latest["invited_count"], 0);
    assert_eq!(texts(&latest["timeline"]), ["m4"]);
    let bump = |room: &Value| room["bump_stamp"].as_u64().unwrap();
    assert!(bump(latest) > bump(&answer["rooms"][&rooms[3]]));

    assert!(told(&connection.sync().await).is_empty(), "nothing is told twice");
    connection.show(0, 3);
    assert_eq!(ids(&connection.sync().await), sorted(&rooms[1..3]));
    connection.show(0, 100);
    assert_eq!(ids(&connection.sync().await), sorted(&rooms[..1]));
}

#[tokio::test]
async fn a_message_brings_its_room_into_the_window() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 4).await;
    let mut connection = Connection::window(&server, &claire, 0, 0);
    connection.sync().await;

    let answer = connection.wait_for(server.write(&claire, &rooms[0], "bonjour")).await;
    assert_eq!(ids(&answer), [rooms[0].clone()]);
    let room = &answer["rooms"][&rooms[0]];
    assert_eq!((room["initial"].as_bool(), room["num_live"].as_u64()), (Some(true), Some(1)));

    // The room that it pushed out goes on where it was, with what was missed.
    server.write(&claire, &rooms[3], "a").await;
    server.write(&claire, &rooms[0], "b").await;
    let answer = connection.sync().await;
    assert_eq!(ids(&answer), [rooms[0].clone()]);
    assert!(answer["rooms"][&rooms[0]]["initial"].is_null());
    connection.body["lists"]["rooms"]["timeline_limit"] = json!(10);
    connection.show(0, 1);
    let answer = connection.sync().await;
    assert_eq!(texts(&answer["rooms"][&rooms[3]]["timeline"]).last(), Some(&"a"));
}

#[tokio::test]
async fn receipts_do_not_reorder_rooms() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 2).await;
    let event_id = server.write(&claire, &rooms[0], "ancien").await;
    server.write(&claire, &rooms[1], "nouveau").await;
    let mut connection = Connection::window(&server, &claire, 0, 0);
    connection.sync().await;
    server.read(&claire, &rooms[0], &event_id, "m.read").await;
    assert!(told(&connection.sync().await).is_empty());
}

#[tokio::test]
async fn filters_sort_rooms_into_lists() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let plain = server.create_room(&claire, json!({ "name": "Budget" })).await;
    let encryption = json!({
        "type": "m.room.encryption", "state_key": "",
        "content": { "algorithm": "m.megolm.v1.aes-sha2" },
    });
    let secret =
        server.create_room(&claire, json!({ "initial_state": [encryption], "name": "s" })).await;
    let space = json!({ "creation_content": { "type": "m.space" }, "name": "Direction" });
    let space = server.create_room(&claire, space).await;
    let child = json!({ "via": ["pli.test"] });
    server.set_state(&claire, &space, &format!("m.space.child/{plain}"), child).await;
    let invite = json!({ "invite": [claire.user_id], "name": "Viens" });
    let invited = server.create_room(&samir, invite).await;
    let data =
        |name: &str| format!("/_matrix/client/v3/user/{}/account_data/{name}", claire.user_id);
    let direct = json!({ samir.user_id.clone(): [secret] });
    server.put(&claire, &data("m.direct"), direct).await.ok();
    let tag = format!("/_matrix/client/v3/user/{}/rooms/{plain}/tags/m.favourite", claire.user_id);
    server.put(&claire, &tag, json!({ "order": 0.5 })).await.ok();

    let cases = [
        (json!({ "is_dm": true }), vec![&secret]),
        (json!({ "is_dm": false }), vec![&plain, &space, &invited]),
        (json!({ "is_encrypted": true }), vec![&secret]),
        (json!({ "is_encrypted": false, "is_invite": false }), vec![&plain, &space]),
        (json!({ "is_invite": true }), vec![&invited]),
        (json!({ "is_invited": true }), vec![&invited]),
        (json!({ "room_types": ["m.space"] }), vec![&space]),
        (json!({ "room_types": [null], "is_invite": false }), vec![&plain, &secret]),
        (json!({ "not_room_types": ["m.space"] }), vec![&plain, &secret, &invited]),
        (json!({ "room_types": ["m.space"], "not_room_types": ["m.space"] }), vec![]),
        (json!({ "room_name_like": "BUD" }), vec![&plain]),
        (json!({ "tags": ["m.favourite"] }), vec![&plain]),
        (json!({ "not_tags": ["m.favourite"] }), vec![&secret, &space, &invited]),
        (json!({ "spaces": [space] }), vec![&plain]),
        (json!({ "spaces": [secret] }), vec![]),
    ];
    for (filters, expected) in cases {
        let mut list = list(0, 99);
        list["filters"] = filters.clone();
        let body = json!({ "lists": { "rooms": list } });
        let answer = Connection::new(&server, &claire, body).sync().await;
        let expected = sorted(&expected.into_iter().cloned().collect::<Vec<_>>());
        assert_eq!(ids(&answer), expected, "{filters}");
        assert_eq!(answer["lists"]["rooms"]["count"], expected.len(), "{filters}");
    }
}

#[tokio::test]
async fn a_conversation_becomes_direct_without_a_message() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 2).await;
    let mut connection = Connection::window(&server, &claire, 0, 9);
    assert!(connection.sync().await["rooms"][&rooms[0]]["is_dm"].is_null());
    let path = format!("/_matrix/client/v3/user/{}/account_data/m.direct", claire.user_id);
    let direct = json!({ "@samir:pli.test": [rooms[0]] });
    let answer = connection.wait_for(server.put(&claire, &path, direct)).await;
    assert_eq!(ids(&answer), [rooms[0].clone()]);
    assert_eq!(answer["rooms"][&rooms[0]]["is_dm"], true);
    let answer = connection.wait_for(server.put(&claire, &path, json!({}))).await;
    assert_eq!(answer["rooms"][&rooms[0]]["is_dm"], false);
}
