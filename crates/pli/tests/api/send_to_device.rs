//! Messages from device to device, over HTTP.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Person, TestServer};

async fn send(server: &TestServer, by: &Person, transaction: &str, to: &Person, number: u32) {
    let path = format!("/_matrix/client/v3/sendToDevice/m.test/{transaction}");
    let body = json!({ "messages": { &to.user_id: { &to.device_id: { "number": number } } } });
    server.put(by, &path, body).await.ok();
}

/// What a sync brings, and the token for the next one.
async fn sync(server: &TestServer, person: &Person, since: Option<&str>) -> (Vec<Value>, String) {
    let since = since.map(|since| format!("&since={since}")).unwrap_or_default();
    let path = format!("/_matrix/client/v3/sync?timeout=0{since}");
    let answer = server.get(person, &path).await.ok();
    let events = answer["to_device"]["events"].as_array().cloned().unwrap_or_default();
    let numbers = events.into_iter().map(|event| event["content"]["number"].clone()).collect();
    (numbers, answer["next_batch"].as_str().unwrap().to_owned())
}

/// A room key that is lost or comes twice makes a conversation unreadable or suspicious.
#[tokio::test]
async fn a_message_comes_until_it_is_acknowledged_and_once_per_transaction() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let (_, start) = sync(&server, &claire, None).await;
    send(&server, &samir, "t1", &claire, 1).await;
    send(&server, &samir, "t1", &claire, 1).await;
    send(&server, &samir, "t2", &claire, 2).await;

    let (first, next) = sync(&server, &claire, Some(&start)).await;
    assert_eq!(first, [1, 2]);
    server.restart().await;
    // The client did not get the answer and asks again; the sender did not either.
    send(&server, &samir, "t1", &claire, 1).await;
    let (again, _) = sync(&server, &claire, Some(&start)).await;
    assert_eq!(again, [1, 2]);

    let (after, next) = sync(&server, &claire, Some(&next)).await;
    assert!(after.is_empty(), "{after:?}");
    // A new start of the client finds nothing old.
    let (initial, _) = sync(&server, &claire, None).await;
    assert!(initial.is_empty(), "{initial:?}");
    send(&server, &samir, "t3", &claire, 3).await;
    assert_eq!(sync(&server, &claire, Some(&next)).await.0, [3]);
}

#[tokio::test]
async fn more_messages_than_fit_into_one_answer_all_come_in_order() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let (_, mut since) = sync(&server, &claire, None).await;
    for number in 0..250 {
        send(&server, &samir, &format!("t{number}"), &claire, number).await;
    }

    let mut got = Vec::new();
    for _ in 0..4 {
        let (numbers, next) = sync(&server, &claire, Some(&since)).await;
        got.extend(numbers);
        since = next;
    }

    assert_eq!(got, (0..250).map(Value::from).collect::<Vec<_>>());
}

#[tokio::test]
async fn malformed_messages_are_refused() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = "/_matrix/client/v3/sendToDevice/m.test/t1";
    for body in [json!({}), json!({ "messages": [] }), json!({ "messages": { "claire": {} } })] {
        let answer = server.put(&claire, path, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        assert_eq!(answer.body["errcode"], "M_BAD_JSON", "{answer:?}");
    }
    let large = json!({ "padding": "x".repeat(70_000) });
    let body = json!({ "messages": { &claire.user_id: { "*": large } } });
    let answer = server.put(&claire, path, body).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{answer:?}");
}
