//! The forms of requests: the one that apps send today, the merged one, and mistakes.

use serde_json::json;

use super::{Connection, SLIDING, ids, list, rooms_of, sorted};
use crate::support::TestServer;

#[tokio::test]
async fn the_merged_form_is_understood_too() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let rooms = rooms_of(&server, &claire, 3).await;
    let body = json!({
        "conn_id": "main",
        "timeout": 0,
        "txn_id": "t1",
        "lists": { "rooms": {
            "range": [0, 1],
            "timeline_limit": 1,
            "required_state": { "include": [{ "type": "m.room.name" }], "lazy_members": true },
        } },
    });
    let mut connection = Connection::new(&server, &claire, body);
    let answer = connection.sync().await;
    assert_eq!(answer["txn_id"], "t1");
    assert_eq!(ids(&answer), sorted(&rooms[1..]));

    // The `pos` in the body, and no window at all: the whole list.
    let mut body = connection.body.clone();
    body["pos"] = json!(connection.pos);
    body["lists"]["rooms"].as_object_mut().unwrap().remove("range");
    let answer = server.post(&claire, SLIDING, body).await.ok();
    assert_eq!(ids(&answer), sorted(&rooms[..1]));
}

#[tokio::test]
async fn apps_learn_that_it_is_there() {
    let server = TestServer::start().await;
    let answer = server.send(reqwest::Method::GET, "/_matrix/client/versions", None, None).await;
    assert_eq!(answer.ok()["unstable_features"]["org.matrix.simplified_msc3575"], true);
}

#[tokio::test]
async fn a_mistake_in_a_request_is_named() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let body = json!({ "lists": { "rooms": list(0, 1) } });
    server
        .send(reqwest::Method::POST, SLIDING, None, Some(body.clone()))
        .await
        .refused(401, "M_MISSING_TOKEN");
    server
        .send(reqwest::Method::POST, SLIDING, Some("wrong"), Some(body))
        .await
        .refused(401, "M_UNKNOWN_TOKEN");
    let many: serde_json::Map<_, _> =
        (0..101).map(|number| (format!("{number}"), list(0, 1))).collect();
    let config = json!({ "timeline_limit": 1 });
    let subscriptions: serde_json::Map<_, _> =
        (0..101).map(|number| (format!("!{number}:pli.test"), config.clone())).collect();
    for body in [
        json!({ "lists": many }),
        json!({ "room_subscriptions": subscriptions }),
        json!({ "conn_id": "c".repeat(256) }),
        json!({ "lists": { "rooms": list(2, 1) } }),
        json!({ "extensions": { "to_device": { "enabled": true, "since": "x" } } }),
    ] {
        server.post(&claire, SLIDING, body).await.refused(400, "M_INVALID_PARAM");
    }
    for body in [
        json!({ "lists": [] }),
        json!({ "lists": { "rooms": { "timeline_limit": "1" } } }),
        json!({ "lists": { "rooms": { "timeline_limit": 1, "required_state": 1 } } }),
        json!({ "lists": { "rooms": { "timeline_limit": 1, "ranges": [[-1, 2]] } } }),
        json!({ "room_subscriptions": { "not a room": config } }),
        json!({ "extensions": 1 }),
    ] {
        server.post(&claire, SLIDING, body).await.refused(400, "M_BAD_JSON");
    }
    for query in ["timeout=x", "timeout=-1"] {
        let path = format!("{SLIDING}?{query}");
        server.post(&claire, &path, json!({})).await.refused(400, "M_INVALID_PARAM");
    }
    server.post(&claire, SLIDING, json!({})).await.ok();
}
