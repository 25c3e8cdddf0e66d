//! What a client doesn't want to be told.

use serde_json::{Value, json};

use super::{Client, V3, filter, texts};
use crate::support::TestServer;

#[tokio::test]
async fn timelines_are_filtered_by_type_sender_and_url() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let client = Client::start(&server, &claire).await;
    server.write(&claire, &room_id, "un").await;
    server.write(&samir, &room_id, "deux").await;
    let image = json!({ "msgtype": "m.image", "body": "trois", "url": "mxc://pli.test/a" });
    server.write_content(&samir, &room_id, "trois", image).await;
    let path = format!("{V3}/rooms/{room_id}/send/m.reaction/t1");
    server.put(&samir, &path, json!({ "body": "quatre" })).await.ok();

    let told = async |timeline: Value| {
        let parameters = filter(&json!({ "room": { "timeline": timeline } }));
        let path = format!("{V3}/sync?since={}{parameters}", client.since);
        let answer = server.get(&claire, &path).await.ok();
        let events = &answer["rooms"]["join"][&room_id]["timeline"]["events"];
        texts(events).into_iter().map(ToOwned::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told(json!({})).await, "un deux trois quatre");
    assert_eq!(told(json!({ "types": ["m.room.*"] })).await, "un deux trois");
    assert_eq!(told(json!({ "not_types": ["m.room.message"] })).await, "quatre");
    assert_eq!(told(json!({ "senders": [claire.user_id] })).await, "un");
    assert_eq!(told(json!({ "not_senders": [samir.user_id] })).await, "un");
    assert_eq!(told(json!({ "contains_url": true })).await, "trois");
    assert_eq!(told(json!({ "contains_url": false, "types": ["m.*"] })).await, "un deux quatre");
    assert_eq!(told(json!({ "not_rooms": [room_id] })).await, "");
    assert_eq!(told(json!({ "rooms": [room_id], "limit": 1 })).await, "quatre");
    assert_eq!(told(json!({ "types": [] })).await, "");
}

#[tokio::test]
async fn rooms_account_data_and_receipts_can_be_left_out() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let one = server.room_of(&[&claire]).await;
    let two = server.room_of(&[&claire]).await;
    let event_id = server.write(&claire, &one, "un").await;
    server.read(&claire, &one, &event_id, "m.read").await;
    let user = format!("{V3}/user/{}", claire.user_id);
    for name in ["test.a", "test.b"] {
        let path = format!("{user}/account_data/{name}");
        server.put(&claire, &path, json!({ "n": 1 })).await.ok();
        let path = format!("{user}/rooms/{one}/account_data/{name}");
        server.put(&claire, &path, json!({ "n": 1 })).await.ok();
    }
    let definition = json!({
        "account_data": { "not_types": ["test.b", "m.*"] },
        "room": {
            "not_rooms": [two],
            "account_data": { "types": ["test.b"] },
            "ephemeral": { "not_types": ["m.receipt"] },
        },
    });
    // A filter can be stored and named.
    let stored = server.post(&claire, &format!("{user}/filter"), definition.clone()).await.ok();
    let by_id = format!("&filter={}", stored["filter_id"].as_str().unwrap());
    for parameters in [filter(&definition), by_id] {
        let (_, initial) = Client::start_with(&server, &claire, &parameters).await;
        let types = |events: &Value| {
            let events = events.as_array().unwrap().iter();
            events.map(|event| event["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(types(&initial["account_data"]["events"]), ["test.a"]);
        let room = &initial["rooms"]["join"][&one];
        assert_eq!(types(&room["account_data"]["events"]), ["test.b"]);
        assert!(room["ephemeral"].is_null(), "{room}");
        assert!(initial["rooms"]["join"][&two].is_null());
    }
    let unknown = server.get(&claire, &format!("{V3}/sync?filter=999999")).await;
    assert!(unknown.status.is_client_error(), "{unknown:?}");
}
