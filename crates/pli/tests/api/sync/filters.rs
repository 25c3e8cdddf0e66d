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

/// An app that shows threads apart would show each reply twice.
#[tokio::test]
async fn events_are_filtered_by_what_they_relate_to() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let client = Client::start(&server, &claire).await;
    let root = server.write(&claire, &room_id, "un").await;
    for (text, rel_type) in [("deux", "m.thread"), ("trois", "m.reference")] {
        let content = json!({
            "msgtype": "m.text",
            "body": text,
            "m.relates_to": { "rel_type": rel_type, "event_id": root },
        });
        server.write_content(&claire, &room_id, text, content).await;
    }
    let stored = async |timeline: &Value| {
        let path = format!("{V3}/user/{}/filter", claire.user_id);
        let definition = json!({ "room": { "timeline": timeline } });
        let made = server.post(&claire, &path, definition.clone()).await.ok();
        let id = made["filter_id"].as_str().unwrap().to_owned();
        assert_eq!(server.get(&claire, &format!("{path}/{id}")).await.ok(), definition);
        format!("&filter={id}")
    };
    for (timeline, expected) in [
        (json!({ "rel_types": ["m.thread"] }), "deux"),
        (json!({ "not_rel_types": ["m.thread"] }), "un trois"),
        (json!({ "org.matrix.msc3874.not_rel_types": ["m.thread", "m.reference"] }), "un"),
    ] {
        let inline = filter(&json!({ "room": { "timeline": timeline } }));
        for parameters in [inline, stored(&timeline).await] {
            let path = format!("{V3}/sync?since={}{parameters}", client.since);
            let answer = server.get(&claire, &path).await.ok();
            let events = &answer["rooms"]["join"][&room_id]["timeline"]["events"];
            assert_eq!(texts(events).join(" "), expected, "{timeline}");
        }
    }
}

/// A bot on a slow line asks for little; one that checks signatures, for everything.
#[tokio::test]
async fn events_come_with_the_fields_and_in_the_format_that_was_asked_for() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({ "room_version": "11" })).await;
    let event_id = server.write(&claire, &room_id, "un").await;
    let last = async |definition: Value| {
        let path = format!("{V3}/sync?timeout=0{}", filter(&definition));
        let answer = server.get(&claire, &path).await.ok();
        let events = &answer["rooms"]["join"][&room_id]["timeline"]["events"];
        events.as_array().unwrap().last().unwrap().clone()
    };
    let little = last(json!({ "event_fields": ["type", "content.body"] })).await;
    assert_eq!(little["content"], json!({ "body": "un" }));
    assert_eq!(little["event_id"], event_id.as_str());
    assert_eq!(little.get("unsigned"), None);

    let whole = last(json!({ "event_format": "federation" })).await;
    assert_eq!((&whole["event_id"], &whole["room_id"]), (&json!(event_id), &json!(room_id)));
    assert!(whole["hashes"]["sha256"].is_string(), "{whole}");
    assert!(whole["signatures"]["pli.test"].is_object(), "{whole}");
    assert_eq!(whole["prev_events"].as_array().map(Vec::len), Some(1));
    assert_eq!(whole["unsigned"]["membership"], "join");

    let fields = |count: usize| {
        let fields: Vec<String> = (0..count).map(|n| format!("content.{n}")).collect();
        json!({ "event_fields": fields })
    };
    last(fields(100)).await;
    // Each field costs a look into every event: thousands would hold up everybody else.
    for odd in [json!({ "event_format": "pdf" }), fields(101)] {
        let path = format!("{V3}/sync?timeout=0{}", filter(&odd));
        server.get(&claire, &path).await.refused(400, "M_INVALID_PARAM");
        let path = format!("{V3}/user/{}/filter", claire.user_id);
        server.post(&claire, &path, odd).await.refused(400, "M_BAD_JSON");
    }
}
