//! What the server remembers between requests.

use serde_json::json;

use super::{Connection, SLIDING, ids, rooms_of, told};
use crate::{support::TestServer, sync::texts};

#[tokio::test]
async fn an_app_goes_on_after_the_server_was_restarted() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 3).await;
    let (body, pos) = {
        let mut connection = Connection::window(&server, &claire, 0, 1);
        connection.sync().await;
        (connection.body, connection.pos)
    };
    server.restart().await;
    server.write(&claire, &rooms[2], "bonjour").await;
    let mut connection = Connection { server: &server, person: claire.clone(), body, pos };
    let answer = connection.sync().await;
    assert_eq!(ids(&answer), [rooms[2].clone()]);
    let room = &answer["rooms"][&rooms[2]];
    assert!(room["initial"].is_null(), "{room}");
    assert_eq!((texts(&room["timeline"]), room["num_live"].as_u64()), (vec!["bonjour"], Some(1)));
}

#[tokio::test]
async fn an_answer_that_never_arrived_is_given_again() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 3).await;
    let mut connection = Connection::window(&server, &claire, 0, 0);
    connection.sync().await;
    server.write(&claire, &rooms[2], "bonjour").await;
    connection.show(0, 1);
    let lost = connection.ask(0).await.ok();
    assert_eq!(told(&lost).len(), 2);
    let again = connection.ask(0).await.ok();
    assert_eq!(again["rooms"], lost["rooms"]);
    let third = connection.sync().await;
    assert_eq!(third["rooms"], lost["rooms"]);
    assert!(told(&connection.sync().await).is_empty(), "then it has arrived");
}

#[tokio::test]
async fn a_connection_that_is_not_known_begins_anew() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    rooms_of(&server, &claire, 3).await;
    let mut connection = Connection::window(&server, &claire, 0, 0);
    connection.sync().await;
    let old = connection.pos.clone();
    for last in [1, 2] {
        connection.show(0, last);
        connection.sync().await;
    }
    let known = connection.pos.clone();
    let body = connection.body.clone();
    for pos in ["1", "s1_0", "s1_0_c1_1", &old] {
        let path = format!("{SLIDING}?pos={pos}");
        server.post(&claire, &path, body.clone()).await.refused(400, "M_UNKNOWN_POS");
    }
    let path = format!("{SLIDING}?pos={known}");
    server.post(&samir, &path, body.clone()).await.refused(400, "M_UNKNOWN_POS");
    let other_device = server.sign_in("claire").await;
    server.post(&other_device, &path, body.clone()).await.refused(400, "M_UNKNOWN_POS");
    let mut named = body.clone();
    named["conn_id"] = json!("other");
    server.post(&claire, &path, named).await.refused(400, "M_UNKNOWN_POS");
    assert!(told(&connection.sync().await).is_empty(), "and this one goes on");

    // A new connection of the same name takes its place.
    Connection::window(&server, &claire, 0, 0).sync().await;
    connection.ask(0).await.refused(400, "M_UNKNOWN_POS");
}

#[tokio::test]
async fn connections_of_a_device_do_not_disturb_each_other() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 1).await;
    let mut first = Connection::window(&server, &claire, 0, 9);
    first.body["conn_id"] = json!("room-list");
    let mut second = Connection::window(&server, &claire, 0, 9);
    second.body["conn_id"] = json!("notifications");
    first.sync().await;
    second.sync().await;
    server.write(&claire, &rooms[0], "bonjour").await;
    for connection in [&mut first, &mut second] {
        let answer = connection.sync().await;
        assert_eq!(texts(&answer["rooms"][&rooms[0]]["timeline"]), ["bonjour"]);
    }
}

#[tokio::test]
async fn a_device_can_have_only_so_many_connections() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    rooms_of(&server, &claire, 1).await;
    let mut connections = Vec::new();
    for number in 0..17 {
        let mut connection = Connection::window(&server, &claire, 0, 9);
        connection.body["conn_id"] = json!(format!("{number}"));
        connection.sync().await;
        connections.push(connection);
    }
    connections[0].ask(0).await.refused(400, "M_UNKNOWN_POS");
    assert!(told(&connections[16].sync().await).is_empty());
}

#[tokio::test]
async fn whoever_waits_for_nothing_is_told_nothing_new() {
    let server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    rooms_of(&server, &claire, 2).await;
    let mut connection = Connection::window(&server, &claire, 0, 9);
    connection.sync().await;
    let before = server.commits().await;
    for _ in 0..3 {
        let answer = connection.sync().await;
        assert!(told(&answer).is_empty());
        assert_eq!(answer["lists"]["rooms"]["count"], 2);
    }
    assert_eq!(server.commits().await, before, "and nothing is written for it");
}
